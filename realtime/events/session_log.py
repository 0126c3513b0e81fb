"""One line of the log for each turn in a session's life, safe to read and to search."""

import logging
import time

from realtime.store.contract import ID_PREFIX_LEN
from realtime.store.records import Peer, Session

logger = logging.getLogger("realtime.sessions")


def plain(text: str) -> str:
    """The text with all that could begin a new line, or move a cursor, written as an escape."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def names(peer: Peer) -> tuple[str, str]:
    """Who and from where, for the log."""
    return plain(peer.username) or "anonymous", plain(peer.address)


def log_session(
    event: str,
    session: Session,
    *,
    code: int | None = None,
    reason: str = "",
    worker: str = "",
    seconds: float | None = None,
) -> None:
    """Log what has become of a session, at INFO.

    The text names the session by its first SHOWN characters, as the admin does. ``extra`` has
    ``session`` (the same), ``worker``, ``user`` (the primary key), ``code`` (None while it goes
    on) and ``lifetime``, the seconds since the session's start: ``seconds``, or else until the
    last beat that the store knows.
    """
    if not logger.isEnabledFor(logging.INFO):
        return
    shown = session.id[:ID_PREFIX_LEN]
    if seconds is None:
        seconds = (session.last_beat - session.opened_at) / 1000
    extra = {
        "session": shown,
        "worker": worker or session.worker,
        "user": plain(session.peer.user),
        "code": code,
        "lifetime": round(seconds, 3),
    }
    end = "" if code is None else f": {code} {plain(reason)}"
    logger.info("session %s of %s (%s) %s%s", shown, *names(session.peer), event, end, extra=extra)


def age_of(session: Session) -> float:
    """Seconds since its start, where the record has just come from the store."""
    return (session.connected_at - session.opened_at) / 1000


def since(session: Session, entered: float) -> float:
    """Seconds since its start, for a connection that entered at this monotonic time."""
    return age_of(session) + time.monotonic() - entered
