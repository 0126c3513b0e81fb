"""What a worker knows of a room's log, by reading it, by asking, and by hearsay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from realtime.protocol.frames import Encoded
from realtime.protocol.position import Gap, Position, gap_after
from realtime.store.log import LogEnd


class LoggedPublication(Protocol):
    """One entry of the log, ready to be handed over."""

    @property
    def offset(self) -> int: ...
    @property
    def size(self) -> int:
        """Bytes, as flow control counts them."""
        ...

    @property
    def encoded(self) -> Encoded:
        """As every member is sent it."""
        ...


@dataclass(frozen=True, slots=True)
class LogRead:
    """What is to be read: publications after ``offset``. ``doubts`` are those there were
    then; there may be more when the store answers."""

    offset: int
    doubts: int


@dataclass(frozen=True, slots=True)
class LogSlice:
    """What was read of a log: where it ends, and what follows the offset that was asked for,
    in order and without holes."""

    end: LogEnd
    publications: Sequence[LoggedPublication]


class LogView:
    """Begins where the store said that the log ends.

    ``top`` is the newest offset that was handed out, or is being handed out. What lies
    beyond is *confirmed* if the store itself has told of it, and else only *heard* of: enough to
    read the log, not to believe anybody. ``doubts`` counts how often somebody spoke of
    another log than this; up to ``cleared`` the store has been asked.
    """

    __slots__ = ("_confirmed", "_goal", "_heard", "_oldest", "cleared", "doubts", "epoch", "top")

    def __init__(self, end: LogEnd) -> None:
        self.doubts = self.cleared = 0
        self.begin_anew(end)

    def begin_anew(self, end: LogEnd) -> None:
        """It is another log."""
        self.epoch = end.top.epoch
        self.top = self._confirmed = self._goal = end.top.offset
        self._oldest = end.oldest
        self._heard = 0  # the newest offset spoken of since the last answer

    @property
    def newest(self) -> Position:
        """The newest publication that there certainly is."""
        return Position(self.epoch, max(self.top, self._confirmed))

    def gap(self, position: Position) -> Gap | None:
        """Why nobody can go on from there; None if they can."""
        return gap_after(position, top=self.newest, oldest=self._oldest)

    def gap_at(self, offset: int) -> Gap | None:
        """Why somebody who is there cannot go on any more, now that the log has been read."""
        if offset > self._goal:
            return Gap.AHEAD
        return Gap.EXPIRED if offset + 1 < self._oldest else None

    def wants(self) -> LogRead | None:
        """What to read for those at the top; None if there is nothing more."""
        if self.doubts > self.cleared or self._goal > self.top:
            return self.read_after(self.top)
        return None

    def read_after(self, offset: int) -> LogRead:
        """A read that is asked for now."""
        return LogRead(offset, self.doubts)

    # ------------------------------------------------------------ hearsay

    def hear_of(self, epoch: str, offset: int) -> bool:
        """Somebody speaks of a publication; whether it is news."""
        if epoch != self.epoch:
            self.doubts += 1
            return True
        self._heard = max(self._heard, offset)
        self._goal = max(self._goal, offset)
        return offset > self.top

    def advance(self, offset: int) -> None:
        """The next one is handed out."""
        self.top = offset
        self._goal = max(self._goal, offset)

    # ------------------------------------------------------------ the store's word

    def audit(self, end: LogEnd, *, asked_at: int) -> bool:
        """The store says where the log ends; whether it is news.

        ``asked_at`` is the newest offset when it was asked. What was handed out since may
        be missing in the answer; what there was before may not.
        """
        if end.top.epoch == self.epoch and end.top.offset < asked_at:
            self.doubts += 1
            return True
        if end.top.epoch == self.epoch:
            self._confirmed = max(self._confirmed, end.top.offset)
            self._oldest = max(self._oldest, end.oldest)
        return self.hear_of(end.top.epoch, end.top.offset)

    def learn(self, read: LogRead, page: LogSlice) -> bool:
        """This same log was read. Whether it no longer reaches somebody who was not behind:
        then the top has moved to its end, and everybody is to be placed anew."""
        end = page.end.top.offset
        self.cleared = read.doubts
        self._oldest = max(self._oldest, _oldest(read, page))
        # What was spoken of before it was asked, and is not there, was never true.
        self._goal = max(end, self._heard)
        self._heard = 0
        # No log ends sooner than before; one that did would be believed.
        shrunk = end < self.top or self._goal < self._confirmed
        lost = self.top + 1 < self._oldest
        self._confirmed = end if shrunk else max(self._confirmed, end)
        if shrunk or lost:
            self.top = end
        if shrunk:
            self._goal = end
        return shrunk or lost


def _oldest(read: LogRead, page: LogSlice) -> int:
    """The oldest offset there is. A log that goes on after what was asked for, and does not
    say what follows, has lost that: to ask again would go on for ever."""
    if page.publications or page.end.top.offset <= read.offset:
        return page.end.oldest
    return max(page.end.oldest, read.offset + 2)
