"""Where the log of a room ends, for pages that go on from there."""

from functools import partial
from typing import Literal, TypeAlias

from realtime import composition
from realtime.protocol.position import Position
from realtime.store.contract import StoreUnavailable
from realtime.worker.runtime import Runtime

from .async_calls import call_async

# "" stands for a position that is unknown because the store is away.
KnownPosition: TypeAlias = Position | Literal[""]


def position(room: str) -> KnownPosition:
    """The position at the end of a room's log, for a page that goes on from there: as text it is
    the ``since`` of the browser client. ``""`` if the store is away.

    Take it before the transaction of the queries that the page shows. The page then gets all that
    is published since, some of it perhaps twice. Creates no log and keeps none. Raises ValueError
    for an invalid room name.
    """
    try:
        return _find(room)
    except StoreUnavailable:
        return ""


async def aposition(room: str) -> KnownPosition:
    """Async twin of :func:`position`."""

    async def native(here: Runtime) -> Position:
        return (await here.store.log.ends([room], keep=False))[room].top

    try:
        return await call_async(native, partial(_find, room))
    except StoreUnavailable:
        return ""


def _find(room: str) -> Position:
    return composition.blocking_store().log.ends([room], keep=False)[room].top
