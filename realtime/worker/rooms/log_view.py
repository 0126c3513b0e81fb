"""A worker's knowledge of a room's log.

It learns from three sources: *reads* of the log, *tops* (the store's answer where the log
ends), and *hints* (publications that came past the store, which may be wrong).

Invariants:

1. ``top`` is the newest offset that the room has fanned out or is fanning out. It rises one by
   one; only a read moves it otherwise: ahead if what follows is lost, back if the log is shorter.
2. ``_confirmed`` is the newest offset that the store itself has reported. ``newest``, where
   members may join, is the larger of ``top`` and ``_confirmed``: a hint moves it only when its
   publication is fanned out in order.
3. ``_target`` is the offset up to which the room reads: at least ``top``. Hints and tops raise
   it; a read lowers it to what the log really has, or to newer hints.
4. Each report of another log, or of one that ends too early, is a conflict: it raises
   ``conflicts``. ``resolved_conflicts`` is the count at the start of the last read. While it is
   lower, :meth:`LogView.next_read` asks for a read, which alone decides what the log is.
5. A change of ``epoch`` or a lost range is decided by a read only, never by a hint or a top.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from realtime.protocol.position import Gap, Position, gap_after
from realtime.store.log import LogEnd

from .encoding import EncodedPublication

# Publications: a room with a thousand a second gets so many between the two calls of a join.
MAX_REWIND_MARGIN = 16


@dataclass(frozen=True, slots=True)
class LogRead:
    """A read to be made: publications after ``offset``. ``conflicts`` is the view's count when
    the read was requested; more may be added while the store answers."""

    offset: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class LogSlice:
    """The result of a read: where the log ends, and the publications right after the requested
    offset, in order and without holes."""

    end: LogEnd
    publications: Sequence[EncodedPublication]


class LogView:
    """Starts at the end that the store has reported."""

    __slots__ = (
        "_confirmed",
        "_hinted",
        "_oldest",
        "_target",
        "conflicts",
        "epoch",
        "resolved_conflicts",
        "top",
    )

    def __init__(self, end: LogEnd) -> None:
        self.conflicts = self.resolved_conflicts = 0
        self.reset(end)

    def reset(self, end: LogEnd) -> None:
        """Start anew at the end of another log."""
        self.epoch = end.top.epoch
        self.top = self._confirmed = self._target = end.top.offset
        self._oldest = end.oldest
        self._hinted = 0  # the newest offset hinted at since the last read was applied

    @property
    def newest(self) -> Position:
        """The newest publication that certainly exists."""
        return Position(self.epoch, max(self.top, self._confirmed))

    def gap(self, position: Position) -> Gap | None:
        """Return why a joining member cannot continue at ``position``; None if it can."""
        return gap_after(position, top=self.newest, oldest=self._oldest)

    def rewound(self, count: int) -> Position:
        """Return the position before the last ``count`` publications, or as far back as the log
        reaches. A log that drops its oldest may have dropped more when it is read: of such a log an
        eighth is left out, at most MAX_REWIND_MARGIN."""
        newest = self.newest.offset
        before = min(self._oldest - 1, newest)
        margin = min((newest - before) // 8, MAX_REWIND_MARGIN) if before else 0
        return Position(self.epoch, max(newest - count, before + margin))

    def gap_of_member(self, offset: int) -> Gap | None:
        """Return why a member at ``offset`` cannot continue after a read; None if it can."""
        if offset > self._target:
            return Gap.AHEAD
        return Gap.EXPIRED if offset + 1 < self._oldest else None

    def next_read(self) -> LogRead | None:
        """Return what to read for members at the top; None if there is nothing new."""
        if self.conflicts > self.resolved_conflicts or self._target > self.top:
            return self.read_after(self.top)
        return None

    def read_after(self, offset: int) -> LogRead:
        """Return a read that is requested now."""
        return LogRead(offset, self.conflicts)

    # ------------------------------------------------------------ what the view learns from

    def on_hint(self, epoch: str, offset: int) -> bool:
        """Apply a hint about a publication; return whether it is new."""
        if epoch != self.epoch:
            self.conflicts += 1
            return True
        self._hinted = max(self._hinted, offset)
        self._target = max(self._target, offset)
        return offset > self.top

    def advance(self, offset: int) -> None:
        """Set the top to the publication that is fanned out next."""
        self.top = offset
        self._target = max(self._target, offset)

    def on_top(self, end: LogEnd, *, newest_before: int) -> bool:
        """Apply the store's answer where the log ends; return whether it is new. ``newest_before``
        is the newest offset when the store was asked. The answer may lack what was fanned out
        since, but nothing from before."""
        if end.top.epoch == self.epoch and end.top.offset < newest_before:
            self.conflicts += 1
            return True
        if end.top.epoch == self.epoch:
            self._confirmed = max(self._confirmed, end.top.offset)
            self._oldest = max(self._oldest, end.oldest)
        return self.on_hint(end.top.epoch, end.top.offset)

    def on_read(self, read: LogRead, page: LogSlice) -> bool:
        """Apply a read of this epoch; return whether the top has moved: to the log's end if that is
        shorter than known, at least to where the log begins if that has lost what follows the top.
        Then the position of every member must be compared with it."""
        end = page.end.top.offset
        self.resolved_conflicts = read.conflicts
        self._oldest = max(self._oldest, _oldest(read, page))
        # A hint from before the read about what the log does not have was false.
        self._target = max(end, self._hinted)
        self._hinted = 0
        # A log must not become shorter. If the store says that it has, the store is believed.
        shrunk = end < self.top or self._target < self._confirmed
        lost = self.top + 1 < self._oldest
        self._confirmed = end if shrunk else max(self._confirmed, end)
        if shrunk:
            self.top = self._target = end
        elif lost:  # an audit may have found more since the log was read
            self.top = max(end, self._oldest - 1)
            self._target = max(self._target, self.top)
        return shrunk or lost


def _oldest(read: LogRead, page: LogSlice) -> int:
    """Return the oldest offset kept. If the log goes on after the requested offset but the page
    is empty, what follows is lost; another read would return the same for ever."""
    if page.publications or page.end.top.offset <= read.offset:
        return page.end.oldest
    return max(page.end.oldest, read.offset + 2)
