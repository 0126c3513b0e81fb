"""Batches of publications on their way from the log to the workers that deliver them."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from realtime.store.log import LogEntry

from .counters import QueueCounters

# A room keeps at most this many early publications, see ``room.py``; more would be wasted.
MAX_ENTRIES = 64
MAX_BYTES = 256 * 1024  # of one batch, unless a single entry is larger

# Bounds of one queue.
MAX_ROOMS = 10_000
MAX_QUEUED_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PublicationBatch:
    """Says that a room's log has reached offset ``top`` in ``epoch``, and carries some of the
    newest entries. Receivers read from the log what the batch does not carry."""

    room: str
    epoch: str
    top: int
    entries: tuple[LogEntry, ...] = ()

    @property
    def size(self) -> int:
        """Characters of data: they make up nearly all of its memory."""
        return sum(len(entry.data) for entry in self.entries)

    def fits(self) -> bool:
        """Return whether the batch is small enough for one message."""
        return len(self.entries) <= MAX_ENTRIES and self.size <= MAX_BYTES

    def merged_with(self, later: "PublicationBatch") -> "PublicationBatch":
        """Append the entries of a later batch of the same room; a new epoch replaces all."""
        if later.epoch != self.epoch:
            return later
        top = max(self.top, later.top)
        return PublicationBatch(self.room, self.epoch, top, (*self.entries, *later.entries))

    def truncated(self) -> "PublicationBatch":
        """Keep the newest entry only; it makes receivers read the others from the log."""
        return PublicationBatch(self.room, self.epoch, self.top, self.entries[-1:])


class PublicationQueue:
    """A bounded queue from any threads to one consumer: one batch per room, oldest room first.

    Publications of a room that is queued already are appended to its batch. A batch that gets
    too large is truncated; beyond MAX_ROOMS or MAX_QUEUED_BYTES the oldest batches are dropped.
    Both are counted in ``cut``.
    """

    def __init__(self, counters: QueueCounters) -> None:
        self._counters = counters
        self._waiting: OrderedDict[str, PublicationBatch] = OrderedDict()
        self._bytes = 0
        self._consumer_awake = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, batch: PublicationBatch, *, timeout: float = 0.0) -> bool:
        """Add a batch; return True if the caller must wake the consumer. Waits up to ``timeout``
        seconds while the batch would be truncated or others dropped."""
        with self._changed:
            if timeout and not self._has_room_for(batch):
                self._counters.waits += 1
                self._changed.wait_for(lambda: self._has_room_for(batch), timeout)
            self._add(batch)
            self._drop_oldest()
            must_wake, self._consumer_awake = not self._consumer_awake, True
        return must_wake

    def take(self) -> PublicationBatch | None:
        """Remove and return the oldest batch. After None, the next ``put`` returns True."""
        with self._changed:
            if not self._waiting:
                self._consumer_awake = False
                return None
            batch = self._pop()
            self._changed.notify_all()
            return batch

    def _has_room_for(self, batch: PublicationBatch) -> bool:
        queued = self._waiting.get(batch.room)
        return (
            (queued is None or queued.merged_with(batch).fits())
            and len(self._waiting) + (queued is None) <= MAX_ROOMS
            and (not self._waiting or self._bytes + batch.size <= MAX_QUEUED_BYTES)
        )

    def _add(self, batch: PublicationBatch) -> None:
        if queued := self._waiting.get(batch.room):
            self._bytes -= queued.size
            batch = queued.merged_with(batch)
        if not batch.fits():
            batch = batch.truncated()
            self._counters.cut += 1
        self._waiting[batch.room] = batch
        self._bytes += batch.size

    def _drop_oldest(self) -> None:
        while len(self._waiting) > 1 and (
            len(self._waiting) > MAX_ROOMS or self._bytes > MAX_QUEUED_BYTES
        ):
            self._pop()
            self._counters.cut += 1

    def _pop(self) -> PublicationBatch:
        _, batch = self._waiting.popitem(last=False)
        self._bytes -= batch.size
        return batch
