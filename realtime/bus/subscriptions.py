"""Keeps a worker's channel in the channel layer groups of its rooms."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from realtime.common.tasks import start_task

from .command_queue import STOP_TIMEOUT, OutageLog, call_with_timeout

# Pause after a failure: a quarter of a second, doubled each time up to eight seconds.
FIRST_BACKOFF, MAX_DOUBLINGS = 0.25, 5

# This many calls of ``renew`` repeat all subscriptions: all of them within ten minutes.
RENEWALS = 60


class Subscriptions:
    """Joins the group of a room when it opens at this worker, leaves it when it closes.

    Nothing waits for that or relies on it. One task gives the layer one command at a time until
    its groups are those that are wanted; a room that closes and opens again in between costs no
    command. A command that failed is repeated after a pause. The memory is bounded by the
    rooms that are wanted now, and those that were when their group was joined.

    ``group`` takes a room and returns its group's name; ``channel()`` waits for the channel's.
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
        # Groups the layer was asked to join, oldest request first, and whether it confirmed.
        self._joined: OrderedDict[str, bool] = OrderedDict()
        self._due: OrderedDict[str, None] = OrderedDict()  # rooms that need a command, in order
        self._task: asyncio.Task[None] | None = None
        self._outage = OutageLog("rooms cannot be subscribed to")

    def subscribe(self, room: str) -> None:
        """Join the room's group soon."""
        self._wanted.add(room)
        self._update(room, is_done=self._joined.get(room, False))

    def unsubscribe(self, room: str) -> None:
        """Leave the room's group soon."""
        self._wanted.discard(room)
        self._update(room, is_done=room not in self._joined)

    def _update(self, room: str, *, is_done: bool) -> None:
        if is_done:
            self._due.pop(room, None)
        else:
            self._schedule(room)

    def renew(self) -> None:
        """Repeat the oldest part of all subscriptions, because a layer may forget members;
        RENEWALS calls repeat them all."""
        share = math.ceil(len(self._joined) / RENEWALS)
        for room, _ in zip(list(self._joined), range(share), strict=False):
            self._schedule(room)

    def renew_all(self) -> None:
        """Repeat all subscriptions: the layer has probably forgotten them."""
        for room in self._joined:
            self._schedule(room)

    def _schedule(self, room: str) -> None:
        self._due[room] = None
        if self._task is None or self._task.done():
            self._task = start_task(self._run(), name="realtime-subscriptions")

    async def stop(self) -> None:
        """Leave all groups, as far as the layer does so within STOP_TIMEOUT, and end the task."""
        for room in list(self._wanted):
            self.unsubscribe(room)
        if self._task is not None:
            await asyncio.wait([self._task], timeout=STOP_TIMEOUT)
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_TIMEOUT)

    async def _run(self) -> None:
        channel = await self._channel()
        while self._due:
            room, _ = self._due.popitem(last=False)
            try:
                await call_with_timeout(self._send(room, channel))
            except Exception as error:  # a layer may raise anything; delivery is only slower
                self._due.setdefault(room)
                self._outage.on_failure(error)
                doublings = min(self._outage.failures - 1, MAX_DOUBLINGS)
                await asyncio.sleep(FIRST_BACKOFF * 2**doublings)
            else:
                self._outage.on_success()
                await asyncio.sleep(0)  # not every layer lets other tasks run

    async def _send(self, room: str, channel: str) -> None:
        self._joined[room] = False  # until the layer confirms: a failed call may have worked
        self._joined.move_to_end(room)
        if room in self._wanted:
            await self._layer.group_add(self._group(room), channel)
            self._joined[room] = True
        else:
            await self._layer.group_discard(self._group(room), channel)
            del self._joined[room]
