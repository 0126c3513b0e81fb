"""Signals of sessions; receivers get ``session``, a ``realtime.store.records.Session``.

``room_joined`` and ``room_left`` also carry ``room``, the name of a room that the session joined
or left, by a message or because its connection began or ended. ``rooms`` of a session that was
suspended or closed names the rooms that it has left.

Threads send the signals, so receivers may use the database. ``session_closed`` also carries
``code`` and ``reason``. It is sent exactly once for each session, within the transaction that
writes its history row: what receivers write to the same database is committed or rolled back
with the row.
"""

import logging
from collections.abc import Iterable

from django.db import DatabaseError, transaction
from django.dispatch import Signal

from realtime.store.records import Session

session_opened = Signal()
session_suspended = Signal()
session_resumed = Signal()
session_closed = Signal()
room_joined = Signal()
room_left = Signal()

logger = logging.getLogger("realtime.signals")


def send(signal: Signal, session: Session) -> None:
    """Send one of the first three signals. Django logs receivers that fail."""
    signal.send_robust(sender=Session, session=session)


def send_for_rooms(signal: Signal, session: Session, rooms: Iterable[str]) -> None:
    """Send ``room_joined`` or ``room_left`` for each of these rooms, like :func:`send`."""
    for room in rooms:
        signal.send_robust(sender=Session, session=session, room=room)


def send_suspended(session: Session) -> None:
    """Send ``session_suspended``, and ``room_left`` for all its rooms."""
    send(session_suspended, session)
    send_for_rooms(room_left, session, session.rooms)


def send_closed(session: Session, alias: str) -> None:
    """Send ``session_closed`` within the open transaction of the database ``alias``.

    On some databases a receiver's failing query breaks the transaction; the savepoint saves the
    history row from it.
    """
    try:
        with transaction.atomic(alias):
            answers = session_closed.send_robust(
                sender=Session, session=session, code=session.end_code, reason=session.end_reason
            )
            for _, answer in answers:
                if isinstance(answer, DatabaseError):
                    raise answer
    except DatabaseError as error:
        logger.error("a receiver of session_closed failed: %s; its writes are undone", error)
