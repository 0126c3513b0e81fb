"""Signals of a session's life; receivers get ``session`` (a ``store.records.Session``).

``room_joined`` and ``room_left`` also carry ``room``: the session came into it, or left it,
also because its connection began or ended. One that is suspended or closed shows in ``rooms``
what it has left.

They are sent from a thread, so receivers may use the database. ``session_closed``
also carries ``code`` and ``reason``, is sent exactly once per session whichever
process notices, and inside the transaction that writes the history row: what its
receivers write to the same database is kept or lost together with it.
"""

import logging
from collections.abc import Iterable, Sequence

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


def announce(signal: Signal, sessions: Iterable[Session]) -> None:
    """Send one of the first three for each session; a failing receiver is logged."""
    for session in sessions:
        signal.send_robust(sender=Session, session=session)


def announce_rooms(signal: Signal, session: Session, rooms: Iterable[str]) -> None:
    """Send ``room_joined`` or ``room_left`` for each of these rooms, like :func:`announce`."""
    for room in rooms:
        signal.send_robust(sender=Session, session=session, room=room)


def announce_left(sessions: Iterable[Session]) -> None:
    """Send ``room_left`` for all rooms in which these sessions were until now."""
    for session in sessions:
        announce_rooms(room_left, session, session.rooms)


def announce_suspended(sessions: Sequence[Session]) -> None:
    """Send ``session_suspended``, and ``room_left`` for all their rooms."""
    announce(session_suspended, sessions)
    announce_left(sessions)


def announce_closed(session: Session, alias: str) -> None:
    """Send ``session_closed`` within the open transaction of ``alias``.

    A receiver whose query fails would spoil the transaction on some databases;
    the savepoint keeps the history row safe from it.
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
