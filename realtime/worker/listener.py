"""A worker's ear: its one channel of the channel layer."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from .hints import Hint, understand
from .line import STOP_PATIENCE, Line, Outage

logger = logging.getLogger("realtime.hints")

# After a failure to receive: one second, then twice as long each time, up to half a minute.
FIRST_PAUSE, DOUBLINGS = 1.0, 5
STEADY = 30.0


class Deaf(Exception):
    """The layer has ended a receive that nobody cancelled."""


class Listener:
    """Joins the group of all workers and reads the channel, always, from one task.

    Nothing relies on it. A layer may forget its members, so :meth:`join` is repeated; it
    may raise or end a receive, so that begins anew. What is not a hint is counted in
    ``ignored`` and has no other effect.
    """

    def __init__(
        self, layer: Any, group: str, line: Line, *, heed: Callable[[Hint], object]
    ) -> None:
        self._layer = layer
        self._group = group
        self._line = line
        self._heed = heed
        self._channel = ""
        self._has_channel = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._outage = Outage("hints cannot be received", steady=STEADY)
        self.heard = self.ignored = 0

    def start(self) -> None:
        """Join and listen, as soon as the layer lets us."""
        self.join()
        self._task = asyncio.create_task(self._listen(), name="realtime-listener")

    def join(self) -> None:
        """Become a member of the group, or stay one."""
        self._line.put(self._join)

    async def _join(self) -> None:
        if not self._channel:
            self._channel = await self._layer.new_channel()
            self._has_channel.set()
        await self._layer.group_add(self._group, self._channel)

    def leave(self) -> None:
        """Be told nothing more."""
        self._line.put(self._leave)

    async def _leave(self) -> None:
        if self._channel:
            await self._layer.group_discard(self._group, self._channel)

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_PATIENCE)

    async def _listen(self) -> None:
        await self._has_channel.wait()
        while True:
            try:
                self._hear(await self._receive())
            except Exception as error:  # whatever a layer raises, nothing may end this task
                self._outage.failed(error)
                await asyncio.sleep(FIRST_PAUSE * 2 ** min(self._outage.failures - 1, DOUBLINGS))
                self.join()
            else:
                self._outage.worked()
                # A layer with a queue of its own gives what waits there without a pause.
                await asyncio.sleep(0)

    async def _receive(self) -> object:
        task = asyncio.current_task()
        assert task is not None
        try:
            return await self._layer.receive(self._channel)
        except asyncio.CancelledError:
            if task.cancelling():
                raise
            raise Deaf("the layer has ended it") from None

    def _hear(self, message: object) -> None:
        hint = understand(message)
        if hint is None:
            self.ignored += 1
            logger.debug("a message that is no hint was ignored")
        else:
            self.heard += 1
            self._heed(hint)
