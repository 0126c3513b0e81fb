"""Signals of a session's life; receivers get ``session`` (a ``store.records.Session``).

They are sent from a thread, so receivers may use the database. ``session_closed``
also carries ``code`` and ``reason``, is sent exactly once per session whichever
process notices, and inside the transaction that writes the history row: what its
receivers write to the same database is kept or lost together with it.
"""

import logging
from collections.abc import Iterable

from django.db import DatabaseError, transaction
from django.dispatch import Signal

from .store.records import Session

session_opened = Signal()
session_suspended = Signal()
session_resumed = Signal()
session_closed = Signal()

logger = logging.getLogger("realtime.signals")


def announce(signal: Signal, sessions: Iterable[Session]) -> None:
    """Send one of the first three for each session; a failing receiver is logged."""
    for session in sessions:
        signal.send_robust(sender=Session, session=session)


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
