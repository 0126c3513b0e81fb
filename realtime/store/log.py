"""The contract of the message log: each room has one, ordered and bounded.

Every method is one round trip and safe to repeat. Within one epoch offsets are 1, 2, 3 … without
holes. After anything that may have lost the end of a log (an emptied, restarted or replaced store)
a new epoch begins: never a silent fork. A room without publications has an epoch, too, and ends at
offset 0.
"""
# mypy: disable-error-code="empty-body"

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from realtime.protocol.position import Position
from realtime.protocol.rooms import EXPECTED, is_room

from .operation import BlockingDriver, LoopDriver, operation, read_operation

MAX_BATCH = 500  # rooms or entries in one call

MAX_KEY_LEN = 500  # characters

# How long a key is remembered: 300 s exceed the retries of any client or task queue; Centrifugo and
# AnyCable keep theirs for the same time.
KEY_KEPT_MS = 300_000

# How far back ``recent`` looks: several of the seconds between two calls.
RECENT_MS = 10_000


@dataclass(frozen=True, slots=True)
class LogBounds:
    """A log keeps at most ``length`` entries and ``bytes`` of data, for ``ttl_ms`` after the last
    append, and its position for ``meta_ttl_ms``."""

    length: int = 1_000
    bytes: int = 4 * 1024 * 1024
    ttl_ms: int = 300_000
    meta_ttl_ms: int = 7 * 24 * 3_600_000


DEFAULT_BOUNDS = LogBounds()  # those of the default settings


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A message to publish. ``data`` is JSON. A repeated ``key`` in the same room within
    KEY_KEPT_MS means the same publication; without a key it is always a new one."""

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
    """The position of a published request, and its ``time``; a repeated request has the same.

    ``fresh`` if this call appended it. Otherwise the entry there may hold other data than the
    request, so read the log.
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


class LogContract:
    """The methods of a log. Each raises :class:`~.contract.StoreUnavailable`, and ValueError for a
    mistake of the caller's."""

    @operation
    def append(self, requests: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        """Append at most MAX_BATCH requests, those of a room in their order; each is atomic.

        Drops the oldest entries beyond the bounds, never the newest one. On a database, the order
        of commits is the order of offsets.
        """

    @operation
    def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        """The entries after offset ``after``: at most ``limit`` of them and ``max_bytes`` bytes of
        data, but at least one if there is any.

        Returns no entries at all if the one after ``after`` is no longer kept, or if ``after`` is
        beyond the end: never a part.
        """

    @operation
    def ends(self, rooms: Sequence[str], *, keep: bool = True) -> Mapping[str, LogEnd]:
        """Where the logs of at most MAX_BATCH rooms end. Keeps quiet logs for longer; a room whose
        log has expired may get a new one.

        Without ``keep`` it keeps and creates none: a room whose log has expired may get an epoch
        that no log will have.
        """

    @read_operation
    def recent(self) -> Mapping[str, LogEnd] | None:
        """The ends of at most MAX_BATCH logs that were appended to in the last RECENT_MS, newest
        first; None from a store whose workers are notified through a channel layer instead."""

    @operation
    def prune(self, limit: int = MAX_BATCH) -> int:
        """Delete at most ``limit`` expired logs and keys; returns how many. A store that expires
        them by itself returns 0."""


class BlockingLog(LogContract, BlockingDriver):
    """A log for threads."""


class Log(LogContract, LoopDriver):
    """A log for an event loop."""


def check_requests(requests: Sequence[PublishRequest]) -> None:
    """Raises ValueError for requests that no store can append."""
    check_rooms([request.room for request in requests])
    for request in requests:
        if not request.data:
            raise ValueError("expected JSON, not nothing at all")
        if len(request.key) > MAX_KEY_LEN:
            raise ValueError(f"expected a key of at most {MAX_KEY_LEN} characters")
        # PostgreSQL has no such character, and JSON never needs it.
        if "\0" in request.key or "\0" in request.data:
            raise ValueError("expected a text without the character NUL")
        request.key.encode()  # half a surrogate pair raises a ValueError, too
        request.data.encode()


def check_rooms(rooms: Sequence[str]) -> None:
    """Raises ValueError for more than MAX_BATCH, or for a name that is not a room's."""
    if len(rooms) > MAX_BATCH:
        raise ValueError(f"expected at most {MAX_BATCH}, not {len(rooms)}")
    for room in rooms:
        if not is_room(room):
            raise ValueError(f"expected {EXPECTED}, not {room!r}")


def check_read(room: str, *, after: int, limit: int, max_bytes: int) -> None:
    """Raises ValueError for invalid arguments of a read."""
    check_rooms([room])
    if not 0 <= after <= 2**53 or max_bytes < 1 or not 1 <= limit <= MAX_BATCH:
        raise ValueError(f"expected an offset, 1 to {MAX_BATCH} entries and 1 byte or more")
