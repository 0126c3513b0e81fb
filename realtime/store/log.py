"""The contract of the message log: each room has one, ordered and bounded.

Like the other contract (``base.py``): every method is one round trip, and safe to repeat.
Inside one epoch offsets are 1, 2, 3 … without holes. Whatever may have lost the end of a
log (a store that was emptied, restarted, replaced) begins a new epoch: never a silent fork.
A room that nobody has ever published to has an epoch, too, and ends at offset 0.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from realtime.protocol.position import Position
from realtime.protocol.rooms import EXPECTED, is_room

# A call is about at most so many rooms, or entries.
MAX_BATCH = 500

LONGEST_KEY = 500  # characters

# For so long a key is remembered: 300 s are longer than any client or task queue takes to
# ask again, and Centrifugo and AnyCable remember theirs for the same time.
KEY_KEPT_MS = 300_000

# How far back ``recent`` looks: several of the seconds in which it is asked.
RECENT_MS = 10_000


@dataclass(frozen=True, slots=True)
class LogBounds:
    """What a log keeps: so many entries, so many bytes of data, for so long after the last
    append; and for how long it remembers that there was one."""

    length: int = 1_000
    bytes: int = 4 * 1024 * 1024
    ttl_ms: int = 300_000
    meta_ttl_ms: int = 7 * 24 * 3_600_000


BOUNDS = LogBounds()  # as the settings have them, unless a project says otherwise


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """What is to be published. ``data`` is JSON; the same ``key`` in the same room within
    KEY_KEPT_MS means the same publication. Without a key it is always a new one."""

    room: str
    data: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of a log: ``time`` is the store's, in epoch milliseconds, ``data`` JSON."""

    offset: int
    time: int
    data: str


@dataclass(frozen=True, slots=True)
class PublishResult:
    """Where an append put its draft, at ``time``; a repeated one answers the same.

    ``fresh`` if this very call has put it there. Otherwise what stands there may be other
    data than the draft's, so the log has to be asked.
    """

    position: Position
    time: int
    fresh: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Where a log ends, and the oldest offset that it still keeps (``top.offset + 1`` if none)."""

    top: Position
    oldest: int


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some entries in order, without holes, and the end of the log at that moment."""

    end: LogEnd
    entries: tuple[LogEntry, ...]


class BlockingLog(ABC):
    """The contract, for a thread that waits. Raises :class:`~.base.StoreUnavailable`, and
    ValueError for a caller's mistake."""

    @abstractmethod
    def append(self, drafts: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        """Append at most MOST drafts, those of a room in their order; atomic for each draft.

        Drops what exceeds the bounds, oldest first, never the newest entry. On a database,
        the order of commits is the order of offsets.
        """

    @abstractmethod
    def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        """What follows offset ``after``: at most ``limit`` entries and ``max_bytes`` bytes of
        data, but at least one if there is any.

        If the one right after ``after`` is no longer kept, or ``after`` is beyond the end, no
        entries at all: never a part.
        """

    @abstractmethod
    def ends(self, rooms: Sequence[str]) -> Mapping[str, LogEnd]:
        """Where the logs of at most MOST rooms end."""

    @abstractmethod
    def recent(self) -> Mapping[str, LogEnd] | None:
        """The logs appended to in the last RECENT_MS, at most MOST, newest first; None from a
        store where nobody need ask, because its workers are told through a channel layer."""

    @abstractmethod
    def prune(self, limit: int = MAX_BATCH) -> int:
        """Forget at most ``limit`` logs and keys whose time is over; how many. A store that
        does so by itself answers 0."""


class Log(ABC):
    """The same for an event loop; see :class:`BlockingLog`."""

    @abstractmethod
    async def append(self, drafts: Sequence[PublishRequest]) -> tuple[PublishResult, ...]: ...
    @abstractmethod
    async def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage: ...
    @abstractmethod
    async def ends(self, rooms: Sequence[str]) -> Mapping[str, LogEnd]: ...
    @abstractmethod
    async def recent(self) -> Mapping[str, LogEnd] | None: ...
    @abstractmethod
    async def prune(self, limit: int = MAX_BATCH) -> int: ...


def check_drafts(drafts: Sequence[PublishRequest]) -> None:
    """Raises ValueError for what cannot be appended anywhere."""
    check_rooms([draft.room for draft in drafts])
    for draft in drafts:
        if not draft.data:
            raise ValueError("expected JSON, not nothing at all")
        if len(draft.key) > LONGEST_KEY:
            raise ValueError(f"expected a key of at most {LONGEST_KEY} characters")
        # PostgreSQL has no such character, and JSON never needs it.
        if "\0" in draft.key or "\0" in draft.data:
            raise ValueError("expected a text without the character NUL")
        draft.key.encode()  # half a surrogate pair raises a ValueError, too
        draft.data.encode()


def check_rooms(rooms: Sequence[str]) -> None:
    """Raises ValueError for more than MOST, and for what is not a room."""
    if len(rooms) > MAX_BATCH:
        raise ValueError(f"expected at most {MAX_BATCH}, not {len(rooms)}")
    for room in rooms:
        if not is_room(room):
            raise ValueError(f"expected {EXPECTED}, not {room!r}")


def check_read(room: str, *, after: int, limit: int, max_bytes: int) -> None:
    """Raises ValueError for a read that makes no sense."""
    check_rooms([room])
    if not 0 <= after <= 2**53 or max_bytes < 1 or not 1 <= limit <= MAX_BATCH:
        raise ValueError(f"expected an offset, 1 to {MAX_BATCH} entries and 1 byte or more")
