"""What a worker does with publications: its own, those of its process, and those of others."""

import asyncio
import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

from realtime.bus.publication_batches import PublicationBatch, PublicationQueue
from realtime.store.log import Log, LogEntry, PublishRequest, PublishResult

from .encoding import encode_publication
from .rooms import Rooms


class Announce(Protocol):
    """Tells other workers, from any thread; see :meth:`~.announcer.Announcer.tell`."""

    def __call__(self, bundle: PublicationBatch, *, patience: float = 0.0) -> None: ...


def bundle_of(draft: PublishRequest, appended: PublishResult) -> PublicationBatch:
    """What there is to tell of an append. Under a key that was used before there may be other
    data in the log, so then it is without an entry."""
    position = appended.position
    fresh = appended.fresh or not draft.key
    entries = (LogEntry(position.offset, appended.time, draft.data),) if fresh else ()
    return PublicationBatch(draft.room, position.epoch, position.offset, entries)


class Publisher:
    """Appends to the log, and tells the rooms here and the other workers of it.

    ``published`` counts what was published here: by clients, and by the code of this process.
    """

    def __init__(self, log: Log, rooms: Rooms, announce: Announce) -> None:
        self._log = log
        self._rooms = rooms
        self._announce = announce
        self._loop = asyncio.get_running_loop()
        self._bundles = PublicationQueue()  # from threads, until the loop takes them
        self._counting = threading.Lock()
        self.published = 0

    async def publish(self, room: str, data: str, key: str = "") -> PublishResult:
        """Publish JSON in a room. Raises StoreUnavailable; with a key it is safe to repeat."""
        (appended,) = await self.publish_all([PublishRequest(room, data, key)])
        return appended

    async def publish_all(self, drafts: Sequence[PublishRequest]) -> Sequence[PublishResult]:
        """Publish these in their order. Raises StoreUnavailable."""
        appended = await self._log.append(drafts)
        bundles = [bundle_of(*each) for each in zip(drafts, appended, strict=True)]
        self._count(bundles)
        for bundle in bundles:
            self.heard(bundle)
            self._announce(bundle)
        return appended

    def tell(self, bundles: Iterable[PublicationBatch], *, patience: float) -> None:
        """This has been published by a thread of this process; it waits up to ``patience``
        seconds for each if the loop or the channel layer is behind.

        Raises RuntimeError if the loop is closed.
        """
        bundles = list(bundles)
        self._count(bundles)
        for bundle in bundles:
            if self._bundles.put(bundle, patience=patience):
                self._loop.call_soon_threadsafe(self._take)
            self._announce(bundle, patience=patience)

    def heard(self, bundle: PublicationBatch) -> None:
        """This has been published, here or elsewhere."""
        for entry in bundle.entries:
            self._rooms.hear(bundle.room, bundle.epoch, encode_publication(bundle.room, entry))
        if not bundle.entries or bundle.entries[-1].offset < bundle.top:
            self._rooms.audit_soon([bundle.room])

    def _take(self) -> None:
        while bundle := self._bundles.take():
            self.heard(bundle)

    def _count(self, bundles: Iterable[PublicationBatch]) -> None:
        with self._counting:
            self.published += sum(len(bundle.entries) for bundle in bundles)
