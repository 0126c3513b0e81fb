"""Logs each turn in a session's life as one line, safe to read and to search."""

import logging
import time

from realtime.store.contract import ID_PREFIX_LEN
from realtime.store.records import Peer, Session

logger = logging.getLogger("realtime.sessions")


def printable(text: str) -> str:
    """The text with escapes for all that could begin a new line or move a cursor."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def peer_names(peer: Peer) -> tuple[str, str]:
    """The user's name, or else its primary key, and the address, for the log."""
    return printable(peer.username or peer.user) or "anonymous", printable(peer.address)


def log_session(
    event: str,
    session: Session,
    *,
    code: int | None = None,
    reason: str = "",
    worker: str = "",
    seconds: float | None = None,
) -> None:
    """Log an event of a session at INFO.

    The text names the session by its first ID_PREFIX_LEN characters, as the admin does. ``extra``
    has ``session`` (the same), ``worker``, ``user`` (the primary key), ``code`` (None while the
    session goes on) and ``lifetime``: ``seconds``, by default those from the session's start to
    the last beat that the store has.
    """
    if not logger.isEnabledFor(logging.INFO):
        return
    shown = session.id[:ID_PREFIX_LEN]
    if seconds is None:
        seconds = (session.last_beat - session.opened_at) / 1000
    extra = {
        "session": shown,
        "worker": worker or session.worker,
        "user": printable(session.peer.user),
        "code": code,
        "lifetime": round(seconds, 3),
    }
    end = "" if code is None else f": {code} {printable(reason)}"
    who, where = peer_names(session.peer)
    logger.info("session %s of %s (%s) %s%s", shown, who, where, event, end, extra=extra)


def age_of(session: Session) -> float:
    """Seconds from a session's start to its present connection."""
    return (session.connected_at - session.opened_at) / 1000


def lifetime(session: Session, entered_at: float) -> float:
    """Seconds since a session's start; it was connected at the monotonic time ``entered_at``."""
    return age_of(session) + time.monotonic() - entered_at
