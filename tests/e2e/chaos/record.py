"""The record: the events as each party saw them, for the checker.

Times are seconds of one monotonic clock, that of the process in which the run plays.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Position(NamedTuple):
    """A position in a room's log."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"


def mark(data: Any) -> str:
    """The identity of a publication: its name, its room, and its text."""
    text = str(data["text"]).encode()
    return f"{data['id']} in {data['to']} {zlib.crc32(text):08x}"


# ---------------------------------------------------------------- what a subscriber saw


@dataclass(frozen=True, slots=True)
class Hello:
    """A new connection was opened to ``worker``; what older ones say counts no more."""

    at: float
    worker: str
    rooms: Mapping[str, Position | None]


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """It asked to be in a room."""

    at: float
    room: str
    position: Position | None


@dataclass(frozen=True, slots=True)
class Joined:
    """``welcome`` or ``joined`` named a room; ``asked`` unless it came by itself."""

    at: float
    room: str
    top: Position
    recovered: bool | None = None
    reason: str | None = None
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Got:
    """A publication."""

    at: float
    room: str
    offset: int
    mark: str


@dataclass(frozen=True, slots=True)
class Left:
    """The server said ``left``."""

    at: float
    room: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A ping: what the server has handed over, and what has arrived, on this connection."""

    at: float
    delivered: int
    received: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over, with a code of the server if it gave one."""

    at: float
    code: int | None = None


Event = Hello | JoinRequest | Joined | Got | Left | Counted | Ended


@dataclass(slots=True)
class Diary:
    """A subscriber's, in order. ``wanted`` are the rooms it means to be in at the end."""

    name: str
    private: str  # its user's own room
    events: list[Event] = field(default_factory=list)
    wanted: frozenset[str] = frozenset()


# ---------------------------------------------------------------- what programs saw


@dataclass(frozen=True, slots=True)
class Received:
    """A message of a handle."""

    at: float
    position: Position
    mark: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """``Resync``: publications are missing, and go on after ``position``."""

    at: float
    position: Position
    reason: str
    initial: bool = False


@dataclass(slots=True)
class HandleDiary:
    """The wish of a program for one handle: to begin after ``since``, with a ``rewind``, at a
    position that its page could not know (``unknown``), or now; and what it got. ``start`` is the
    handle's position when it had ``joined``. ``wanted`` says that it was open at the end."""

    program: str
    room: str
    private: str  # its user's own room
    since: Position | None = None
    rewind: int = 0
    unknown: bool = False
    joined: float | None = None
    start: Position | None = None
    events: list[Received | Gap] = field(default_factory=list)
    wanted: bool = False


@dataclass(slots=True)
class Question:
    """A request of a program, and the parts of its answer so far. ``end`` is "done", the code of
    its failure, or empty while there is neither."""

    program: str
    at: float
    expected: tuple[Any, ...]
    parts: list[Any] = field(default_factory=list)
    end: str = ""


# ---------------------------------------------------------------- what publishers did


@dataclass(slots=True)
class Publish:
    """One publication of a publisher, however often it was tried. ``position`` is that of the
    acknowledgement, if it had one. A ``refused`` one must be nowhere. Those of one ``queue`` keep
    their order in each room."""

    room: str
    mark: str
    by: str
    began: float
    acknowledged: float | None = None
    position: Position | None = None
    refused: bool = False
    tries: int = 0
    queue: str = ""


# ---------------------------------------------------------------- what the observer read


@dataclass(slots=True)
class Life:
    """One epoch of a room's log, as far as it was read. ``gone`` is the newest offset known
    not to be kept any more; ``first`` is when the first reading that
    found this epoch had ended, ``last`` when the last one began."""

    epoch: str
    first: float
    last: float
    top: int = 0
    gone: int = 0
    entries: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of one look at a log: entries from ``oldest`` on, or some of the newest. It
    began at ``at``."""

    at: float
    ended: float
    room: str
    top: Position
    oldest: int
    entries: Mapping[int, str]


@dataclass(slots=True)
class History:
    """The lives of each room's log, in order; ``oddities`` are what no log may do."""

    lives: dict[str, list[Life]] = field(default_factory=dict)
    oddities: list[str] = field(default_factory=list)

    def note(self, reading: Reading) -> None:
        """Take in what was read."""
        life = self._life(reading)
        life.last = max(life.last, reading.at)
        if reading.top.offset < life.top:
            self._odd(reading, f"ended at {life.top} before")
        life.top = max(life.top, reading.top.offset)
        life.gone = max(life.gone, reading.oldest - 1)
        for offset, each in reading.entries.items():
            if life.entries.setdefault(offset, each) != each:
                self._odd(reading, f"{offset} was {life.entries[offset]}, is {each}")

    def _life(self, reading: Reading) -> Life:
        lives = self.lives.setdefault(reading.room, [])
        for life in lives:
            if life.epoch == reading.top.epoch:
                if life is not lives[-1]:
                    self._odd(reading, "the epoch had ended")
                return life
        lives.append(Life(reading.top.epoch, reading.ended, reading.at))
        return lives[-1]

    def _odd(self, reading: Reading, what: str) -> None:
        self.oddities.append(f"{reading.room} at {reading.top}: {what}")

    def known(self, room: str) -> int:
        """The newest offset known of the log's present epoch."""
        lives = self.lives.get(room)
        return lives[-1].top if lives else 0


# ---------------------------------------------------------------- everything together


@dataclass(frozen=True, slots=True)
class Deed:
    """A deed of the nemesis, its target, begin and end; whether Redis forgot its keys by it, and
    whether it kept the logs then: by a clock that is ahead, keys are over and logs go on."""

    began: float
    ended: float
    what: str
    target: str = ""
    forgets: bool = False
    keeps_logs: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """The workers' counts of an undisturbed time, and what subscribers saw."""

    published: int
    handed: int  # delivered and replayed
    skipped: int
    acknowledged: int
    seen: int


@dataclass(slots=True)
class Record:
    """A run. ``log_length`` is how many entries a log keeps. ``ghosts`` are what the registry
    and the subscribers disagree about when everything has been whole for long."""

    seed: int
    log_length: int
    began: float = 0.0
    diaries: list[Diary] = field(default_factory=list)
    handles: list[HandleDiary] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    publishes: list[Publish] = field(default_factory=list)
    history: History = field(default_factory=History)
    deeds: list[Deed] = field(default_factory=list)
    tally: Tally | None = None
    ghosts: tuple[str, ...] = ()
