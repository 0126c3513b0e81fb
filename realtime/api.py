"""What application code calls; each function has an async twin with an ``a`` in front.

The sync ones may be called from views, the shell, commands and task queues. Where the
database holds the sessions they use the calling thread's connection, so inside a
transaction they take effect when it commits; in Redis they take effect at once. All
raise ``StoreUnavailable`` when the store cannot be reached.
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
from realtime.publish.async_calls import answer
from realtime.store.contract import BATCH, StoreUnavailable
from realtime.store.records import Attendance, Page, Query, Session, SessionState, Stats
from realtime.worker import runtime

__all__ = [
    "StoreUnavailable",
    "aattendance",
    "aiter_sessions",
    "akick",
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
    "kick_user",
    "akick_user",
    "presence",
    "publish",
    "publish_many",
    "publish_to_user",
    "sessions",
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


def sessions(
    *, user: Any = "", address: str = "", worker: str = "", room: str = "", state: str = ""
) -> tuple[Session, ...]:
    """All connected and suspended sessions, newest first; with arguments, those that match all of
    them: of a ``user`` (or primary key), an ``address`` or a ``worker``, connected and in a
    ``room``, or in a ``state`` ("connected" or "suspended").

    Holds all of them at once; :func:`iter_sessions` does not. Raises ValueError for what can be
    no room's name and no state.
    """
    return tuple(iter_sessions(user=user, address=address, worker=worker, room=room, state=state))


def iter_sessions(
    *, user: Any = "", address: str = "", worker: str = "", room: str = "", state: str = ""
) -> Iterator[Session]:
    """The same as :func:`sessions`, BATCH at a time, each batch as the store has it then: whatever
    comes and goes meanwhile, no session comes twice, and none that stays is left out."""
    return _pages(_query(user, address, worker, room, state))


def _query(user: Any, address: str, worker: str, room: str, state: str) -> Query:
    return Query(
        user=_key(user),
        address=address,
        worker=worker,
        room=_room(room) if room else "",
        state=SessionState(state) if state else None,
    )


def _pages(query: Query) -> Iterator[Session]:
    store, cursor, more = composition.blocking_store(), "", True
    while more:
        page = store.page(query, limit=BATCH, cursor=cursor)
        yield from page.sessions
        cursor, more = page.cursor, bool(page.cursor)


def sessions_of(user: Any) -> tuple[Session, ...]:
    """The connected and suspended sessions of a user (or primary key), newest first."""
    return composition.blocking_store().of_user(_key(user))


def stats() -> Stats:
    """Counts over the whole registry."""
    return composition.blocking_store().stats()


def publish(room: str, data: Any, *, key: str | None = None) -> Position | None:
    """Publish data to everybody in a room, and to those who come back in time.

    Returns where it stands in the room's log, once it is there. Inside a transaction, of any
    database, it is checked and encoded at once, published when that commits, and None is
    returned; a failure then is logged. Raises ValueError and TypeError for a room or data that
    cannot be published, Django's TransactionManagementError where autocommit is off, as
    ``on_commit`` does, and StoreUnavailable: whether it was published is unknown then. To
    publish again with the same ``key`` (1 to 200 characters), in the same room within five
    minutes, is safe: it is there once, where it was put first.
    """
    return _one(publishing.publish([publishing.publish_request(room, data, key)]))


def publish_to_user(user: Any, data: Any, *, key: str | None = None) -> Position | None:
    """Publish data to all sessions of a user (or primary key), like :func:`publish`."""
    return publish(publishing.room_of(user), data, key=key)


def publish_many(messages: Iterable[tuple[str, Any]]) -> list[Position] | None:
    """Publish pairs of room and data, in their order and in few round trips.

    Like :func:`publish`; all are checked before the first is published. Each is published for
    itself: what raises StoreUnavailable may have published some of them.
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
        if len(drafts) % 100 == 0:  # others want their turn of the loop
            await asyncio.sleep(0)
    return await publishing.apublish(drafts)


def presence(room: str, *, limit: int = 1000) -> tuple[Session, ...]:
    """The sessions that are connected and in a room, newest first, at most ``limit``.

    Raises ValueError for what cannot be a room's name, and for a limit below 1.
    """
    return composition.blocking_store().page(Query(room=_room(room)), limit=limit).sessions


def attendance(room: str) -> Attendance:
    """How many ``sessions`` are connected and in a room, and how many ``users`` have them;
    nobody anonymous is a user. Costs the same however many they are, in Redis; in a database
    they are counted. Raises ValueError for what cannot be a room's name."""
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
    asked = aiter_sessions(user=user, address=address, worker=worker, room=room, state=state)
    return tuple([session async for session in asked])


def aiter_sessions(
    *, user: Any = "", address: str = "", worker: str = "", room: str = "", state: str = ""
) -> AsyncIterator[Session]:
    """Async twin of :func:`iter_sessions`, for ``async for``."""
    return _apages(user, _query("", address, worker, room, state))


async def _apages(user: Any, others: Query) -> AsyncIterator[Session]:
    query = replace(others, user=_key(await _loaded(user)))
    cursor, more = "", True
    while more:
        page = await _page(query, cursor)
        for session in page.sessions:
            yield session
        cursor, more = page.cursor, bool(page.cursor)


async def _page(query: Query, cursor: str) -> Page:
    asked: dict[str, Any] = {"limit": BATCH, "cursor": cursor}
    elsewhere = partial(composition.blocking_store().page, query, **asked)
    return await answer(lambda here: here.store.page(query, **asked), elsewhere)


async def asessions_of(user: Any) -> tuple[Session, ...]:
    """Async twin of :func:`sessions_of`."""
    key = _key(await _loaded(user))
    return await answer(lambda here: here.store.of_user(key), partial(sessions_of, key))


async def astats() -> Stats:
    """Async twin of :func:`stats`."""
    return await answer(lambda here: here.store.stats(), stats)


async def apresence(room: str, *, limit: int = 1000) -> tuple[Session, ...]:
    """Async twin of :func:`presence`."""

    async def native(here: runtime.Runtime) -> tuple[Session, ...]:
        return (await here.store.page(Query(room=_room(room)), limit=limit)).sessions

    return await answer(native, partial(presence, room, limit=limit))


async def aattendance(room: str) -> Attendance:
    """Async twin of :func:`attendance`."""
    name = _room(room)
    return await answer(lambda here: here.store.attendance(name), partial(attendance, name))


def close_login(digest: str, code: CloseCode) -> None:
    """Close the sockets of one login, by its digest."""
    _close(login=digest, code=code)


def _close(*, code: int, reason: str = "", **who: str) -> tuple[str, ...]:
    if not _is_anybody(code, who):
        return ()
    asked = composition.blocking_store().request_close(**who, code=code, reason=reason)

    def hurry() -> None:  # no partial: Django wants the name of one that fails
        _hurry(asked)

    composition.once_stored(hurry)
    return asked


async def _aclose(*, code: int, reason: str = "", **who: str) -> tuple[str, ...]:
    async def native(here: runtime.Runtime) -> tuple[str, ...]:
        asked = await here.store.request_close(**who, code=code, reason=reason)
        _hurry(asked)
        return asked

    if not _is_anybody(code, who):
        return ()
    return await answer(native, partial(_close, code=code, reason=reason, **who))


def _is_anybody(code: int, who: Mapping[str, str]) -> bool:
    """Nobody has an empty id, and anonymous visitors are not one user. Raises ValueError for a
    code that is not an application's."""
    if not 4000 <= code <= 4999:
        raise ValueError(f"expected a close code from 4000 to 4999, not {code}")
    return any(who.values())


def _hurry(asked: tuple[str, ...]) -> None:
    """No worker need wait for its next flush; this process's own not even for a hint."""
    for worker in runtime.running():
        worker.nudge()
    if asked:
        notifying.tell(HintKind.CLOSING, asked)


def _room(name: str) -> str:
    if not is_room(name):
        raise ValueError(f"expected {EXPECTED}, not {name!r}")
    return name


def _key(user: Any) -> str:
    return str(getattr(user, "pk", user))


async def _loaded(user: Any) -> Any:
    """A user that is looked up when it is first used, as ``request.user`` is, looked up."""
    if isinstance(user, LazyObject):
        await sync_to_async(_key)(user)
    return user
