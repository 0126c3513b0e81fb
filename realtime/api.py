"""What application code calls; each function has an async twin with an ``a`` in front.

The sync ones may be called from views, the shell, commands and task queues. Where the
database holds the sessions they use the calling thread's connection, so inside a
transaction they take effect when it commits; in Redis they take effect at once. All
raise ``StoreUnavailable`` when the store cannot be reached.
"""

from typing import Any

from asgiref.sync import sync_to_async

from . import hinting
from .protocol.codes import CloseCode
from .store.base import StoreUnavailable
from .store.records import Session, Stats
from .worker import runtime
from .worker.hints import Kind

__all__ = [
    "StoreUnavailable",
    "akick",
    "asessions_of",
    "astats",
    "kick",
    "kick_user",
    "akick_user",
    "sessions_of",
    "stats",
]


def kick(session: str, *, code: int = CloseCode.DISCONNECTED, reason: str = "") -> bool:
    """Disconnect a session; False if there is none of that id.

    Returns once the request is stored. Its socket hears of it at once where the channel
    layer leads to its worker, and within a flush or two in any case.
    A code from 4500 on ends the session, any other lets the client come back. Raises
    ValueError for a code that is not an application's: 4000 to 4999.
    """
    return bool(_close(session=session, code=code, reason=reason))


def kick_user(user: Any, *, code: int = CloseCode.DISCONNECTED, reason: str = "") -> int:
    """Disconnect all sessions of a user (or primary key); how many there were."""
    return len(_close(user=_key(user), code=code, reason=reason))


def sessions_of(user: Any) -> tuple[Session, ...]:
    """The connected and suspended sessions of a user (or primary key), newest first."""
    return runtime.blocking_store().of_user(_key(user))


def stats() -> Stats:
    """Counts over the whole registry."""
    return runtime.blocking_store().stats()


async def akick(session: str, *, code: int = CloseCode.DISCONNECTED, reason: str = "") -> bool:
    """Async twin of :func:`kick`."""
    return await sync_to_async(kick)(session, code=code, reason=reason)


async def akick_user(user: Any, *, code: int = CloseCode.DISCONNECTED, reason: str = "") -> int:
    """Async twin of :func:`kick_user`."""
    return await sync_to_async(kick_user)(user, code=code, reason=reason)


async def asessions_of(user: Any) -> tuple[Session, ...]:
    """Async twin of :func:`sessions_of`."""
    return await sync_to_async(sessions_of)(user)


async def astats() -> Stats:
    """Async twin of :func:`stats`."""
    return await sync_to_async(stats)()


def close_login(digest: str, code: CloseCode) -> None:
    """Close the sockets of one login, by its digest."""
    _close(login=digest, code=code)


def _close(*, code: int, reason: str = "", **who: str) -> tuple[str, ...]:
    if not 4000 <= code <= 4999:
        raise ValueError(f"expected a close code from 4000 to 4999, not {code}")
    if not any(who.values()):
        return ()  # nobody has an empty id, and anonymous visitors are not one user
    asked = runtime.blocking_store().request_close(**who, code=code, reason=reason)

    def hurry() -> None:  # no partial: Django wants the name of one that fails
        _hurry(asked)

    runtime.once_stored(hurry)
    return asked


def _hurry(asked: tuple[str, ...]) -> None:
    """No worker need wait for its next flush; this process's own not even for a hint."""
    for worker in runtime.running():
        worker.nudge()
    if asked:
        hinting.tell(Kind.CLOSING, asked)


def _key(user: Any) -> str:
    return str(getattr(user, "pk", user))
