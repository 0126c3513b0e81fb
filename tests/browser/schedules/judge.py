"""Right and wrong: each reader gets everything after its beginning, in order and once, or a
notice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from realtime.protocol.position import Position

# ["joined", offset, recovered], ["message", n, offset, replayed], ["resync", reason, initial],
# ["left", code], ["closed"]
Event = Sequence[Any]
# Of each publication, by its number. One whose writer was killed may be missing.
Truth = Mapping[int, Position]


@dataclass(slots=True)
class Reader:
    """A reader of a room: where it began, and how far it is by its events.

    ``start`` is the position that it was given, if it was given one, or it begins with the
    ``rewind`` newest ones. ``loss`` is the reason of the resync that it has to begin with. Others
    are wrong unless it ``may_lose`` publications. A position with the epoch "" may be in any.
    """

    name: str
    truth: Truth
    start: Position | None = None
    rewind: int = 0
    loss: str = ""
    may_lose: bool = False
    before: Position | None = field(default=None, init=False)
    at: Position | None = field(default=None, init=False)
    faults: list[str] = field(default_factory=list)
    _is_fresh: bool = True  # since the position that it was given
    _rewind_end: int = 0
    _lost_at: int | None = None

    def __post_init__(self) -> None:
        self.at = self.start

    def goes_on(self, before: Position | None, *, has_session: bool) -> None:
        """It begins where the page before in its tab was, or without a session with a resync."""
        self.at = self.before = before
        if before and not has_session:
            self.loss = "unknown"

    def follow(self, events: Iterable[Event]) -> None:
        """Go through its events; ``faults`` has what is wrong with them."""
        is_closed = False
        for kind, *values in events:
            if is_closed:
                self._complain(f"{kind} {values} after its end")
            if kind == "closed":
                is_closed = True
            elif self._lost_at is not None and kind != "resync":
                self._complain(f"{kind} {values} where the resync should be")
            else:
                getattr(self, f"_on_{kind}")(*values)

    def _complain(self, text: str) -> None:
        self.faults.append(f"{self.name}, at {self.at}: {text}")

    def _on_left(self, code: str | None) -> None:
        self._complain(f"left: {code}")

    def _on_joined(self, offset: int, recovered: bool | None) -> None:
        if recovered is False:
            self._lost_at = offset
        elif recovered is None:
            if self.at is not None or self.loss:
                self._complain(f"begun anew at {offset}, without a notice")
            self.at = Position("", max(0, offset - self.rewind))
            self._rewind_end = offset if self.rewind else 0
        elif self.at is None:
            self._complain(f"recovered at {offset}, where it had nothing")

    def _on_resync(self, reason: str, initial: bool | None) -> None:
        if self._lost_at is None:
            self._complain(f"resync without its join: {reason}")
            return
        is_given = self.start is not None or self.before is not None or self.loss != ""
        if initial is not None and initial is not (is_given and self._is_fresh):
            self._complain(f"resync: {reason}, initial: {initial}")
        is_expected = reason == self.loss and self._is_fresh
        if not is_expected and not self.may_lose:
            self._complain(f"resync: {reason}, though nothing is lost")
        self.at, self._lost_at, self._rewind_end = Position("", self._lost_at), None, 0
        self._is_fresh = False
        self.loss = ""

    def _on_message(self, number: int, offset: int, replayed: bool | None) -> None:
        place, at = self.truth.get(number, Position("", offset)), self.at
        if place.offset != offset:
            self._complain(f"{number} is at {place}, not at {offset}")
        elif at is None or self.loss:
            self._complain(f"{place} before it has begun")
        elif not self._follows(place, at):
            self._complain(f"{place} is not the next one")
        if replayed is not None and replayed is not (offset <= self._rewind_end):
            self._complain(f"{place}, replayed: {replayed}")
        self.at = place
        self._is_fresh = False

    def _follows(self, place: Position, at: Position) -> bool:
        """Whether it is the next one. The first one may be one that the page before has had."""
        if place.epoch != at.epoch and place.epoch and at.epoch:
            return False
        repeats = self._is_fresh and self.before is not None and place.offset <= at.offset
        return repeats or place.offset == at.offset + 1

    def expect_end(self, last: Position) -> None:
        """The reader is alive, and this is the last publication."""
        if self.at not in (last, Position("", last.offset)):
            self._complain(f"the last one it should have is {last}")


def judge_state(name: str, truth: Truth, shown: Iterable[int], since: Position) -> list[str]:
    """A page shows what was published up to the position that its view took."""
    shown = set(shown)
    return [
        f"{name}: it does not show {number}, and begins after it"
        for number, place in truth.items()
        if place.epoch == since.epoch and place.offset <= since.offset and number not in shown
    ]
