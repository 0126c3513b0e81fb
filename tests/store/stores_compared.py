"""Compares two stores: both get the same calls, and have to return the same.

Their clocks are set to one instant before every call. Instants are TICK apart, and all timeouts
begin and end at least EDGE away from an instant, so a call's real duration makes no difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeAlias

from msgspec import Struct

from realtime.store.contract import BlockingStore
from realtime.store.records import RoomPresence
from realtime.store.timeouts import Timeouts

from .store_fixtures import StoreFixture

TICK = 90_000  # ms; of no multiple is a tombstone's life within EDGE
EDGE = 10_000
IDLE = (0, 30_000, 8 * TICK + 20_000)
# Every sum of these and an idle time is at least EDGE away from a multiple of TICK.
TIMEOUTS = Timeouts(
    lease_ms=60 * TICK + 50_000,
    session_ms=20 * TICK,
    resume_ms=40 * TICK + 10_000,
    claim_ms=12 * TICK + 50_000,
)
# Just beyond a claim, a resume window, a lease, a session's silence, the last two with a resume
# window, a day, and a month.
TURNS = tuple(ticks * TICK for ticks in (13, 13, 41, 41, 61, 61, 81, 101, 121, 930, 26_000))
# A clock set back: within what a store ignores, just beyond it, and far beyond.
STEPS = tuple(ticks * TICK for ticks in (1, 13, 59, 61, 62, 121, 930))

PLAIN = (str, int, float)  # most values; looked at first, for there are a million
TIMES = ("opened_at", "connected_at", "last_beat", "at", "time")


@dataclass(slots=True, eq=False)
class StoreUnderTest:
    """One of the stores, and the names that only this one made up."""

    backend: StoreFixture
    incarnations: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)  # of the presence of each room
    presence: dict[str, RoomPresence] = field(default_factory=dict)

    @property
    def store(self) -> BlockingStore:
        return self.backend.store

    def ask(self, call: "Call", now: int) -> Any:
        """The result at this instant; ValueError, the class, for one that is raised."""
        self.backend.advance((now - self.backend.now()) / 1000)
        try:
            return call(self)
        except ValueError:
            return ValueError

    def plain(self, answer: Any, base: int) -> Any:
        """A result without differences that are allowed: the real duration of calls, unspecified
        order, and random names."""
        if answer is None or isinstance(answer, PLAIN):
            return answer
        if isinstance(answer, (tuple, list)):
            return [self.plain(each, base) for each in answer]
        if isinstance(answer, Struct):
            names = answer.__struct_fields__
        elif is_dataclass(answer):
            names = tuple(each.name for each in fields(answer))
        else:
            return answer
        return {name: self._plain(name, getattr(answer, name), base) for name in names}

    def _plain(self, name: str, value: Any, base: int) -> Any:
        if name in TIMES:
            return round((value - base) / EDGE)
        if name in ("incarnation", "epoch"):
            return self._number(value)
        if name == "cursor":
            return bool(value)
        if name in ("suspended", "claimed") and isinstance(value, tuple):
            value = sorted(value, key=lambda session: session.id)
        return self.plain(value, base)

    def _number(self, incarnation: str) -> int:
        if incarnation not in self.incarnations:
            self.incarnations.append(incarnation)
        return self.incarnations.index(incarnation)


Call: TypeAlias = Callable[[StoreUnderTest], Any]


def same(sides: Sequence[StoreUnderTest], call: Call, *, now: int, base: int) -> list[Any]:
    """The results of all stores, after checking that they are the same."""
    answers = [side.ask(call, now) for side in sides]
    one, *others = (side.plain(each, base) for side, each in zip(sides, answers, strict=True))
    for other in others:
        assert one == other, f"{one}\n{other}"
    return answers
