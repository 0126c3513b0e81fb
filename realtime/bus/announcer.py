"""Sends publication batches to the groups of their rooms."""

import asyncio
from collections.abc import Callable
from typing import Any

from realtime.common.tasks import start_task

from .command_queue import STOP_TIMEOUT, OutageLog, call_with_timeout
from .counters import BusCounters
from .hints import batch_message
from .publication_batches import PublicationBatch, PublicationQueue
from .signing import Signer

# Seconds between two rounds of sends, in which publications of a room join one batch: a send
# costs as much as a publish.
BATCH_PAUSE = 0.005


class Announcer:
    """Sends queued batches in order, one at a time, from one task of its event loop.

    The first batch goes out at once; while the layer is busy, and for BATCH_PAUSE after it, the
    publications of a room are merged into one batch. A layer that hangs or raises does not
    delay publishers: the batch is dropped, and the receivers' audits find what they miss.

    ``group`` takes a room and returns the name of its group.
    """

    def __init__(
        self,
        layer: Any,
        signer: Signer,
        loop: asyncio.AbstractEventLoop,
        counters: BusCounters,
        *,
        group: Callable[[str], str],
    ) -> None:
        self._layer = layer
        self._signer = signer
        self._group = group
        self._loop = loop
        self._counters = counters
        self._queue = PublicationQueue(counters.queue)
        self._task: asyncio.Task[None] | None = None
        self._outage = OutageLog("publications cannot be announced")

    def uses(self, layer: Any, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether it sends to this layer from this loop."""
        return self._layer is layer and self._loop is loop

    def announce(self, batch: PublicationBatch, *, timeout: float = 0.0) -> None:
        """Queue a batch, from any thread. Waits up to ``timeout`` seconds while the queue is full,
        unless the layer is failing. Raises RuntimeError if the loop is closed."""
        if self._outage.failures:
            timeout = 0.0
        if self._queue.put(batch, timeout=timeout):
            self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        self._task = start_task(self._run(), name="realtime-announcer")

    async def flush(self, within: float) -> None:
        """Wait at most ``within`` seconds until everything queued is sent."""
        await asyncio.sleep(0)  # lets a task start for what was queued just now
        if self._task is not None:
            await asyncio.wait([self._task], timeout=within)

    async def stop(self) -> None:
        """Drop what is queued and cancel what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_TIMEOUT)

    async def _run(self) -> None:
        remaining = len(self._queue)
        while batch := self._queue.take():
            await self._send(batch)
            remaining -= 1
            if remaining <= 0:
                await asyncio.sleep(BATCH_PAUSE)
                remaining = len(self._queue)

    async def _send(self, batch: PublicationBatch) -> None:
        message = batch_message(batch, self._signer)
        try:
            await call_with_timeout(self._layer.group_send(self._group(batch.room), message))
        except Exception as error:  # a layer may raise anything; a batch may be lost
            self._counters.batches_failed += 1
            self._outage.on_failure(error)
        else:
            self._counters.batches_sent += 1
            self._outage.on_success()
