"""Which rooms' groups a worker's channel is in."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from .command_queue import STOP_PATIENCE, OutageLog, call_with_timeout

# After a failure: a quarter of a second, then twice as long each time, up to eight seconds.
FIRST_PAUSE, DOUBLINGS = 0.25, 5

# With every renewal so much of all rooms is said again: all of them in ten minutes.
RENEWALS = 60


class Subscriptions:
    """Joins a room's group when somebody here comes into it, and leaves when nobody is left.

    Nothing waits for that, nor relies on it. One task gives the layer one command at a time,
    until what the layer was told last is what is wanted: a room left and joined again in
    between is no command at all. What failed is said again after a pause. There are never more
    rooms in mind than are wanted, and were when the layer was told of them.
    """

    def __init__(
        self,
        layer: Any,
        *,
        group: Callable[[str], str],
        channel: Callable[[], Awaitable[str]],
    ) -> None:
        self._layer = layer
        self._group = group
        self._channel = channel
        self._wanted: set[str] = set()
        # What the layer was told to join, longest ago first, and whether that is certain.
        self._told: OrderedDict[str, bool] = OrderedDict()
        self._due: OrderedDict[str, None] = OrderedDict()  # to be said, in this order
        self._task: asyncio.Task[None] | None = None
        self._outage = OutageLog("rooms cannot be subscribed to")

    def opened(self, room: str) -> None:
        """Somebody here is in this room."""
        self._wanted.add(room)
        self._settle(room, is_right=self._told.get(room, False))

    def closed(self, room: str) -> None:
        """Nobody here is in this room any more."""
        self._wanted.discard(room)
        self._settle(room, is_right=room not in self._told)

    def _settle(self, room: str, *, is_right: bool) -> None:
        if is_right:
            self._due.pop(room, None)
        else:
            self._say(room)

    def renew(self) -> None:
        """Say some of it again, those rooms first that were said longest ago: a layer may
        forget. After RENEWALS calls everything has been said again."""
        share = math.ceil(len(self._told) / RENEWALS)
        for room, _ in zip(list(self._told), range(share), strict=False):
            self._say(room)

    def begin_anew(self) -> None:
        """Say all of it again: the layer has probably forgotten."""
        for room in self._told:
            self._say(room)

    def _say(self, room: str) -> None:
        self._due[room] = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="realtime-subscriptions")

    @property
    def settled(self) -> bool:
        """Whether there is nothing to be said."""
        return not self._due

    async def stop(self) -> None:
        """Leave all groups, as far as that can be had at once, and end the task."""
        for room in list(self._wanted):
            self.closed(room)
        if self._task is not None:
            await asyncio.wait([self._task], timeout=STOP_PATIENCE)
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_PATIENCE)

    async def _run(self) -> None:
        channel = await self._channel()
        while self._due:
            room, _ = self._due.popitem(last=False)
            try:
                await call_with_timeout(self._tell(room, channel))
            except Exception as error:  # whatever a layer raises, it only makes things slower
                self._due.setdefault(room)
                self._outage.failed(error)
                await asyncio.sleep(FIRST_PAUSE * 2 ** min(self._outage.failures - 1, DOUBLINGS))
            else:
                self._outage.worked()
                await asyncio.sleep(0)  # not every layer gives others their turn

    async def _tell(self, room: str, channel: str) -> None:
        self._told[room] = False  # until it is done: one that fails may have taken effect
        self._told.move_to_end(room)
        if room in self._wanted:
            await self._layer.group_add(self._group(room), channel)
            self._told[room] = True
        else:
            await self._layer.group_discard(self._group(room), channel)
            del self._told[room]
