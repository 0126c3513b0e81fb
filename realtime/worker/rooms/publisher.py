"""Appends publications to the log and delivers them to rooms here and at other workers."""

import asyncio
import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec.structs import replace

from realtime.bus.counters import QueueCounters
from realtime.bus.publication_batches import PublicationBatch, PublicationQueue
from realtime.store.log import Log, LogEntry, PublishRequest, PublishResult
from realtime.store.records import Deliveries

from .rooms import Rooms


class Announce(Protocol):
    """Sends a batch to other workers, from any thread; see :meth:`.Announcer.announce`."""

    def __call__(self, batch: PublicationBatch, *, timeout: float = 0.0) -> None: ...


def batch_of(request: PublishRequest, result: PublishResult) -> PublicationBatch:
    """Return the batch for one append. It has no entry if the key was used before: the log may
    then have other data."""
    position = result.position
    is_new = result.fresh or not request.key
    entries = (LogEntry(position.offset, result.time, request.data),) if is_new else ()
    return PublicationBatch(request.room, position.epoch, position.offset, entries)


class Publisher:
    """Publishes to the rooms here and to other workers. ``published`` counts publications of this
    worker's clients and of this process's code."""

    def __init__(self, log: Log, rooms: Rooms, announce: Announce, counters: QueueCounters) -> None:
        self._log = log
        self._rooms = rooms
        self._announce = announce
        self._loop = asyncio.get_running_loop()
        self._queue = PublicationQueue(counters)  # from threads to the loop
        self._counting = threading.Lock()
        self.published = 0

    async def publish(self, room: str, data: str, key: str = "") -> PublishResult:
        """Publish JSON in a room. Raises StoreUnavailable; with a key it is safe to repeat."""
        (result,) = await self.publish_all([PublishRequest(room, data, key)])
        return result

    async def publish_all(self, requests: Sequence[PublishRequest]) -> Sequence[PublishResult]:
        """Publish these in order. Raises StoreUnavailable."""
        results = await self._log.append(requests)
        batches = [batch_of(*each) for each in zip(requests, results, strict=True)]
        self._count(batches)
        for batch in batches:
            self._rooms.on_publication(batch)
            self._announce(batch)
        return results

    def announce_from_thread(self, batches: Iterable[PublicationBatch], *, timeout: float) -> None:
        """Deliver what a thread of this process has published; callable from any thread. Waits up
        to ``timeout`` seconds per batch while the loop or the channel layer is behind. Raises
        RuntimeError if the loop is closed."""
        batches = list(batches)
        self._count(batches)
        for batch in batches:
            if self._queue.put(batch, timeout=timeout):
                self._loop.call_soon_threadsafe(self._deliver_queued)
            self._announce(batch, timeout=timeout)

    def deliveries(self) -> Deliveries:
        """The worker's counts of publications since its start."""
        return replace(self._rooms.deliveries, published=self.published)

    def _deliver_queued(self) -> None:
        while batch := self._queue.take():
            self._rooms.on_publication(batch)

    def _count(self, batches: Iterable[PublicationBatch]) -> None:
        with self._counting:
            self.published += sum(len(batch.entries) for batch in batches)
