"""A worker's ear: its one channel of the channel layer."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from realtime.common.tasks import await_external

from .command_queue import STOP_PATIENCE, LayerCommandQueue, OutageLog
from .hints import Hint
from .publication_batches import PublicationBatch

logger = logging.getLogger("realtime.hints")

# After a failure to receive: one second, then twice as long each time, up to half a minute.
FIRST_PAUSE, DOUBLINGS = 1.0, 5
STEADY = 30.0

# After a message that cannot be read: long enough not to be kept busy with such messages.
UNREADABLE_PAUSE = 0.01

# What waits in a layer's own queue comes without a pause: others get their turn after so many.
SLICE = 16

News = Hint | PublicationBatch


class Listener:
    """Joins the group of all workers and reads the channel, always, from one task.

    Nothing relies on it. A layer may forget its members, so :meth:`join` is repeated; it
    may raise or end a receive, so that begins anew, and ``forgotten`` is called. What is
    not understood is counted in ``ignored`` and has no other effect.
    """

    def __init__(
        self,
        layer: Any,
        group: str,
        line: LayerCommandQueue,
        *,
        understand: Callable[[object], News | None],
        heed: Callable[[News], object],
        forgotten: Callable[[], object],
    ) -> None:
        self._layer = layer
        self._group = group
        self._line = line
        self._understand = understand
        self._heed = heed
        self._forgotten = forgotten
        self._channel = ""
        self._has_channel = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._outage = OutageLog("hints cannot be received", steady=STEADY)
        self.heard = self.ignored = 0

    def start(self) -> None:
        """Join and listen, as soon as the layer lets us."""
        self.join()
        self._task = asyncio.create_task(self._listen(), name="realtime-listener")

    async def channel(self) -> str:
        """The name of the channel, as soon as there is one."""
        await self._has_channel.wait()
        return self._channel

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
        channel = await self.channel()
        while True:
            try:
                for _ in range(SLICE):
                    self._hear(await await_external(self._layer.receive(channel)))
            except ValueError:  # a message of somebody who speaks otherwise
                self._ignore()
                await asyncio.sleep(UNREADABLE_PAUSE)
            except Exception as error:  # whatever a layer raises, nothing may end this task
                self._outage.failed(error)
                await asyncio.sleep(FIRST_PAUSE * 2 ** min(self._outage.failures - 1, DOUBLINGS))
                self.join()
                self._forgotten()
            else:
                await asyncio.sleep(0)

    def _hear(self, message: object) -> None:
        self._outage.worked()
        news = self._understand(message)
        if news is None:
            self._ignore()
        else:
            self.heard += 1
            self._heed(news)

    def _ignore(self) -> None:
        self.ignored += 1
        logger.debug("a message that is no hint was ignored")
