"""What tells other workers of publications."""

import asyncio
from collections.abc import Callable
from typing import Any

from .command_queue import STOP_PATIENCE, OutageLog, call_with_timeout
from .hints import message_of
from .publication_batches import PublicationBatch, PublicationQueue
from .signing import Signer

# Seconds of rest after everybody who waited was told, in which publications gather: a send
# costs as much as it does to publish.
GATHERING = 0.005


class Announcer:
    """Sends what it is told to the groups of the rooms: in order, one at a time, from one task
    of its loop.

    The first goes out at once; while the layer is busy, and a little longer, what is published
    in a room gathers to one bundle. A layer that
    hangs or raises costs those who publish nothing: what cannot be told is dropped, and found
    by the audits.
    """

    def __init__(
        self,
        layer: Any,
        seals: Signer,
        loop: asyncio.AbstractEventLoop,
        *,
        group: Callable[[str], str],
    ) -> None:
        self._layer = layer
        self._seals = seals
        self._group = group
        self._loop = loop
        self._bundles = PublicationQueue()
        self._task: asyncio.Task[None] | None = None
        self._outage = OutageLog("publications cannot be announced")
        self.done = self.failed = 0

    def is_for(self, layer: Any, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether it sends to this layer, from this loop."""
        return self._layer is layer and self._loop is loop

    @property
    def lost(self) -> int:
        """Bundles that did not get out, or not as a whole."""
        return self.failed + self._bundles.lost

    def tell(self, bundle: PublicationBatch, *, patience: float = 0.0) -> None:
        """Announce this. From any thread, which may wait up to ``patience`` seconds if more is
        published than the layer takes. Raises RuntimeError if the loop is closed."""
        if self._outage.failures:
            patience = 0.0  # who waited would wait for nothing
        if self._bundles.put(bundle, patience=patience):
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._run(), name="realtime-announcer")

    async def settle(self, within: float) -> None:
        """Wait until everything is out, but at most so many seconds."""
        await asyncio.sleep(0)  # what was told just now is begun in the next turn of the loop
        if self._task is not None:
            await asyncio.wait([self._task], timeout=within)

    async def stop(self) -> None:
        """Drop what waits, and end what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_PATIENCE)

    async def _run(self) -> None:
        waiting = len(self._bundles)
        while bundle := self._bundles.take():
            await self._send(bundle)
            waiting -= 1
            if waiting <= 0:
                await asyncio.sleep(GATHERING)
                waiting = len(self._bundles)

    async def _send(self, bundle: PublicationBatch) -> None:
        message = message_of(bundle, self._seals)
        try:
            await call_with_timeout(self._layer.group_send(self._group(bundle.room), message))
        except Exception as error:  # whatever a layer raises, it is only a hint
            self.failed += 1
            self._outage.failed(error)
        else:
            self.done += 1
            self._outage.worked()
