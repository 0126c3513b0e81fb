"""The functions for application code; each has an async twin with an ``a`` in front.

Call the sync ones from views, the shell, commands and task queues. If the store is the database,
they use the calling thread's connection, so within a transaction they take effect when it
commits; with Redis they take effect at once. All raise ``StoreUnavailable`` if the store cannot
be reached.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.utils.functional import LazyObject
from msgspec.structs import replace

from realtime import composition
from realtime.bus.hints import HintKind
from realtime.protocol.codes import CloseCode
from realtime.protocol.position import Position
from realtime.protocol.rooms import EXPECTED, is_room
from realtime.publish import notifying, publishing
from realtime.publish.async_calls import call_async
from realtime.publish.positions import aposition, position
from realtime.security.authentication import digest_of
from realtime.store.contract import BATCH, StoreUnavailable
from realtime.store.records import Attendance, Page, Query, Session, SessionState, Stats
from realtime.worker import instances
from realtime.worker.runtime import Runtime

__all__ = [
    "Position",
    "StoreUnavailable",
    "aattendance",
    "aiter_sessions",
    "akick",
    "akick_login",
    "aposition",
    "apresence",
    "apublish",
    "apublish_many",
    "apublish_to_user",
    "asessions",
    "asessions_of",
    "astats",
    "attendance",
    "iter_sessions",
    "kick",
    "kick_login",
    "kick_user",
    "akick_user",
    "position",
    "presence",
    "publish",
    "publish_many",
    "publish_to_user",
    "sessions",
    "sessions_of",
    "stats",
]


def kick(session: str, *, code: int = CloseCode.DISCONNECTED, reason: str = "") -> bool:
    """Disconnect a session. Returns False if there is none with this id.

    Returns once the request is stored. The socket closes at once if the channel layer reaches its
    worker, and within two FLUSH_INTERVALs in any case. A code from 4500 on ends the session, any
    other lets the client reconnect. Raises ValueError for a code that is not from 4000 to 4999.
    """
    return bool(_close(session=session, code=code, reason=reason))


def kick_user(user: Any, *, code: int = CloseCode.DISCONNECTED, reason: str = "") -> int:
    """Disconnect all sessions of a user (or primary key), like :func:`kick`. Returns how many: 0
    for an anonymous or unsaved user, as no session is theirs."""
    return len(_close(user=_key(user), code=code, reason=reason))


def sessions(
    *, user: Any = "", address: str = "", worker: str = "", room: str = "", state: str = ""
) -> tuple[Session, ...]:
    """All connected and suspended sessions, newest first, that match all arguments given.

    ``user`` is a user or a primary key, and matches none if anonymous; ``state`` is "connected" or
    "suspended"; ``room`` matches connected sessions only. Holds all sessions in memory;
    :func:`iter_sessions` does not. Raises ValueError for an invalid room name or state.
    """
    return tuple(iter_sessions(user=user, address=address, worker=worker, room=room, state=state))


def iter_sessions(
    *, user: Any = "", address: str = "", worker: str = "", room: str = "", state: str = ""
) -> Iterator[Session]:
    """Like :func:`sessions`, but reads BATCH sessions at a time, each batch as it is then. Sessions
    may come and go meanwhile: none is yielded twice, and none that stays is left out."""
    return _pages(user, _query(address, worker, room, state))


def _query(address: str, worker: str, room: str, state: str) -> Query:
    return Query(
        address=address,
        worker=worker,
        room=_room(room) if room else "",
        state=SessionState(state) if state else None,
    )


def _of_user(query: Query, user: Any) -> Query | None:
    """The query for sessions of this user only, "" for all; None if the user is anonymous."""
    key = _key(user)
    return replace(query, user=key) if key or user == "" else None


def _pages(user: Any, others: Query) -> Iterator[Session]:
    query = _of_user(others, user)
    if query is None:
        return
    store, cursor, more = composition.blocking_store(), "", True
    while more:
        page = store.page(query, limit=BATCH, cursor=cursor)
        yield from page.sessions
        cursor, more = page.cursor, bool(page.cursor)


def sessions_of(user: Any) -> tuple[Session, ...]:
    """The connected and suspended sessions of a user (or primary key), newest first; none of an
    anonymous one."""
    key = _key(user)
    return composition.blocking_store().of_user(key) if key else ()


def stats() -> Stats:
    """Counts over the whole registry."""
    return composition.blocking_store().stats()


def publish(room: str, data: Any, *, key: str | None = None) -> Position | None:
    """Publish data to all sessions in a room, and to those that resume in time.

    Returns its position in the room's log. Within a transaction, of any database, it checks and
    encodes the data at once, publishes when the transaction commits, and returns None; a failure
    after the commit is logged. Publishing again with the same ``key`` (1 to 200 characters) in
    the same room within five minutes has no effect and returns the first position.

    Raises ValueError and TypeError for a room or data that cannot be published,
    TransactionManagementError with autocommit off, as ``on_commit`` does, and StoreUnavailable:
    whether it was published is unknown then.
    """
    return _one(publishing.publish([publishing.publish_request(room, data, key)]))


def publish_to_user(user: Any, data: Any, *, key: str | None = None) -> Position | None:
    """Publish data to all sessions of a user (or primary key), like :func:`publish`."""
    return publish(publishing.room_of(user), data, key=key)


def publish_many(messages: Iterable[tuple[str, Any]]) -> list[Position] | None:
    """Publish pairs of room and data, in their order and in few round trips.

    Like :func:`publish`. Checks all before it publishes the first. Not atomic: some may have been
    published when it raises StoreUnavailable.
    """
    return publishing.publish([publishing.publish_request(room, data) for room, data in messages])


def _one(positions: list[Position] | None) -> Position | None:
    return positions[0] if positions else None


async def apublish(room: str, data: Any, *, key: str | None = None) -> Position | None:
    """Async twin of :func:`publish`."""
    return _one(await publishing.apublish([publishing.publish_request(room, data, key)]))


async def apublish_to_user(user: Any, data: Any, *, key: str | None = None) -> Position | None:
    """Async twin of :func:`publish_to_user`."""
    return await apublish(publishing.room_of(await _loaded(user)), data, key=key)


async def apublish_many(messages: Iterable[tuple[str, Any]]) -> list[Position] | None:
    """Async twin of :func:`publish_many`."""
    drafts = []
    for room, data in messages:
        drafts.append(publishing.publish_request(room, data))
        if len(drafts) % 100 == 0:  # let the event loop run
            await asyncio.sleep(0)
    return await publishing.apublish(drafts)


def presence(room: str, *, limit: int = 1000) -> tuple[Session, ...]:
    """The connected sessions in a room, newest first, at most ``limit``. Raises ValueError for an
    invalid room name and for a limit below 1."""
    return composition.blocking_store().page(Query(room=_room(room)), limit=limit).sessions


def attendance(room: str) -> Attendance:
    """Counts the connected ``sessions`` in a room and their ``users``, without anonymous ones. In
    Redis the cost does not depend on their number; a database counts rows. Raises ValueError for
    an invalid room name."""
    return composition.blocking_store().attendance(_room(room))


async def akick(session: str, *, code: int = CloseCode.DISCONNECTED, reason: str = "") -> bool:
    """Async twin of :func:`kick`."""
    return bool(await _aclose(session=session, code=code, reason=reason))


async def akick_user(user: Any, *, code: int = CloseCode.DISCONNECTED, reason: str = "") -> int:
    """Async twin of :func:`kick_user`."""
    return len(await _aclose(user=_key(await _loaded(user)), code=code, reason=reason))


async def asessions(
    *, user: Any = "", address: str = "", worker: str = "", room: str = "", state: str = ""
) -> tuple[Session, ...]:
    """Async twin of :func:`sessions`."""
    found = aiter_sessions(user=user, address=address, worker=worker, room=room, state=state)
    return tuple([session async for session in found])


def aiter_sessions(
    *, user: Any = "", address: str = "", worker: str = "", room: str = "", state: str = ""
) -> AsyncIterator[Session]:
    """Async twin of :func:`iter_sessions`, for ``async for``."""
    return _apages(user, _query(address, worker, room, state))


async def _apages(user: Any, others: Query) -> AsyncIterator[Session]:
    query = _of_user(others, await _loaded(user))
    if query is None:
        return
    cursor, more = "", True
    while more:
        page = await _page(query, cursor)
        for session in page.sessions:
            yield session
        cursor, more = page.cursor, bool(page.cursor)


async def _page(query: Query, cursor: str) -> Page:
    options: dict[str, Any] = {"limit": BATCH, "cursor": cursor}
    elsewhere = partial(composition.blocking_store().page, query, **options)
    return await call_async(lambda here: here.store.page(query, **options), elsewhere)


async def asessions_of(user: Any) -> tuple[Session, ...]:
    """Async twin of :func:`sessions_of`."""
    key = _key(await _loaded(user))
    if not key:
        return ()
    return await call_async(lambda here: here.store.of_user(key), partial(sessions_of, key))


async def astats() -> Stats:
    """Async twin of :func:`stats`."""
    return await call_async(lambda here: here.store.stats(), stats)


async def apresence(room: str, *, limit: int = 1000) -> tuple[Session, ...]:
    """Async twin of :func:`presence`."""

    async def native(here: Runtime) -> tuple[Session, ...]:
        return (await here.store.page(Query(room=_room(room)), limit=limit)).sessions

    return await call_async(native, partial(presence, room, limit=limit))


async def aattendance(room: str) -> Attendance:
    """Async twin of :func:`attendance`."""
    name = _room(room)
    return await call_async(lambda here: here.store.attendance(name), partial(attendance, name))


def kick_login(key: str, *, code: int = CloseCode.LOGGED_OUT, reason: str = "") -> int:
    """Close all sockets of a login, by its ``Login.key``: a token's id, or a session's key. Returns
    how many there were.

    For one minute the login opens no session either: clients that are connecting with it now are
    refused, too. Raises ValueError for a code outside of 4000 to 4999.
    """
    return len(_close(login=digest_of(key), code=code, reason=reason))


async def akick_login(key: str, *, code: int = CloseCode.LOGGED_OUT, reason: str = "") -> int:
    """Async twin of :func:`kick_login`."""
    return len(await _aclose(login=digest_of(key), code=code, reason=reason))


def close_login(digest: str, code: CloseCode) -> None:
    """Close the sockets of a login, which ``digest`` identifies."""
    _close(login=digest, code=code)


def _close(*, code: int, reason: str = "", **target: str) -> tuple[str, ...]:
    if not _is_valid_target(code, target):
        return ()
    closing = composition.blocking_store().request_close(**target, code=code, reason=reason)

    def notify() -> None:  # no partial: Django logs the name of a hook that fails
        _notify_workers(closing)

    composition.on_stored(notify)
    return closing


async def _aclose(*, code: int, reason: str = "", **target: str) -> tuple[str, ...]:
    async def native(here: Runtime) -> tuple[str, ...]:
        closing = await here.store.request_close(**target, code=code, reason=reason)
        _notify_workers(closing)
        return closing

    if not _is_valid_target(code, target):
        return ()
    return await call_async(native, partial(_close, code=code, reason=reason, **target))


def _is_valid_target(code: int, target: Mapping[str, str]) -> bool:
    """False for an empty id or an anonymous user. Raises ValueError for a code out of range."""
    if not 4000 <= code <= 4999:
        raise ValueError(f"expected a close code from 4000 to 4999, not {code}")
    return any(target.values())


def _notify_workers(closing: tuple[str, ...]) -> None:
    """Have the workers flush now: this process's own directly, all others by a hint."""
    for worker in instances.running():
        worker.flush_and_sweep_soon()
    if closing:
        notifying.notify(HintKind.CLOSING, closing)


def _room(name: str) -> str:
    if not is_room(name):
        raise ValueError(f"expected {EXPECTED}, not {name!r}")
    return name


def _key(user: Any) -> str:
    """The primary key as text; "" for a user that has none."""
    key = getattr(user, "pk", user)
    return "" if key is None else str(key)


async def _loaded(user: Any) -> Any:
    """The user, loaded if it is lazy, as ``request.user`` is."""
    if isinstance(user, LazyObject):
        await sync_to_async(_key)(user)
    return user
