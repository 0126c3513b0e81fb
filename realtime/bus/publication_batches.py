"""Publications on their way from a log to those who want them at once."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from realtime.store.log import LogEntry

# A room keeps no more in mind than so many that come early, see ``room.py``.
MOST_ENTRIES = 64
MOST_BYTES = 256 * 1024  # of one bundle, unless a single entry is larger

# What waits in one place, in all.
MOST_ROOMS = 10_000
MOST_WAITING_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PublicationBatch:
    """News of a room's log: it has come to offset ``top`` of this epoch, by these entries among
    others. Without entries: whoever cares for the room looks into its log."""

    room: str
    epoch: str
    top: int
    entries: tuple[LogEntry, ...] = ()

    @property
    def size(self) -> int:
        """Characters of data, which is what its memory is made of."""
        return sum(len(entry.data) for entry in self.entries)

    def fits(self) -> bool:
        """Whether it is small enough to travel as one."""
        return len(self.entries) <= MOST_ENTRIES and self.size <= MOST_BYTES

    def with_more(self, later: "PublicationBatch") -> "PublicationBatch":
        """Together with what was published later in the same room."""
        if later.epoch != self.epoch:
            return later
        top = max(self.top, later.top)
        return PublicationBatch(self.room, self.epoch, top, (*self.entries, *later.entries))

    def cut(self) -> "PublicationBatch":
        """What is left of one that does not fit: the newest entry makes whoever gets it read
        the others in the log."""
        return PublicationBatch(self.room, self.epoch, self.top, self.entries[-1:])


class PublicationQueue:
    """Bundles that wait for somebody to take them: one for each room, which gathers what comes
    meanwhile, in order. For any threads on both sides.

    Bounded: a bundle that would not fit is cut, and where there are too many rooms, or bytes,
    those give way that have waited for longest. A thread may wait for a moment before that.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, PublicationBatch] = OrderedDict()
        self._bytes = 0
        self._taker_knows = False
        self._changed = threading.Condition()
        self.lost = 0  # bundles that were cut or have given way

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, bundle: PublicationBatch, *, patience: float = 0.0) -> bool:
        """Add a bundle. True if whoever takes them has to be told that there is one.

        Where it does not fit as it is, waits up to ``patience`` seconds for room.
        """
        with self._changed:
            if patience:
                self._changed.wait_for(lambda: self._has_room_for(bundle), patience)
            self._add(bundle)
            self._make_room()
            must_be_told, self._taker_knows = not self._taker_knows, True
        return must_be_told

    def take(self) -> PublicationBatch | None:
        """The bundle that has waited for longest; after None the taker is told of the next."""
        with self._changed:
            if not self._waiting:
                self._taker_knows = False
                return None
            bundle = self._pop()
            self._changed.notify_all()
            return bundle

    def _has_room_for(self, bundle: PublicationBatch) -> bool:
        before = self._waiting.get(bundle.room)
        return (
            (before is None or before.with_more(bundle).fits())
            and len(self._waiting) + (before is None) <= MOST_ROOMS
            and (not self._waiting or self._bytes + bundle.size <= MOST_WAITING_BYTES)
        )

    def _add(self, bundle: PublicationBatch) -> None:
        if before := self._waiting.get(bundle.room):
            self._bytes -= before.size
            bundle = before.with_more(bundle)
        if not bundle.fits():
            bundle = bundle.cut()
            self.lost += 1
        self._waiting[bundle.room] = bundle
        self._bytes += bundle.size

    def _make_room(self) -> None:
        while len(self._waiting) > 1 and (
            len(self._waiting) > MOST_ROOMS or self._bytes > MOST_WAITING_BYTES
        ):
            self._pop()
            self.lost += 1

    def _pop(self) -> PublicationBatch:
        _, bundle = self._waiting.popitem(last=False)
        self._bytes -= bundle.size
        return bundle
