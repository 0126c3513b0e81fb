"""Two logs get the same random calls, and have to return the same."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from realtime.protocol.position import Position
from realtime.store.log import LogBounds, LogEnd, PublishRequest
from tests.search_profiles import machine_settings

from .store_fixtures import STORE_FIXTURES
from .stores_compared import TIMEOUTS, Call, StoreUnderTest, same

Draw = Callable[[st.SearchStrategy[Any]], Any]

ROOMS = ["a", "b", "c"]

# Instants are so many ms apart, and what is over is over in the middle between two of them, so it
# makes no difference what a call takes by the real clock. Keys are kept for 7.5 of them.
TICK = 40_000
BOUNDS = LogBounds(
    length=20, bytes=2_000, ttl_ms=5 * TICK + TICK // 2, meta_ttl_ms=200 * TICK + TICK // 2
)
# Beyond the time of entries, keys, half of that of a quiet log, and all of it, also after STEPS.
TURNS = [1, 6, 6, 8, 111, 251]
# Within what logs overlook when the clock is set back, and beyond it.
STEPS = [1, 3, 7, 9, 12, 20]

rooms = st.sampled_from(["a", "a", "a", "b", "b", "c"])
requests = st.lists(
    st.builds(
        PublishRequest,
        rooms,
        data=st.sampled_from(["1", '"é"', "x" * 700, "x" * 3000]),
        key=st.sampled_from(["", "", "", "k1", "k2"]),
    ),
    min_size=1,
    max_size=8,
)
offsets = st.integers(0, 40)
limits = st.sampled_from([1, 3, 20, 0])
sizes = st.sampled_from([1, 10, 800, 100_000])
some_rooms = st.lists(st.sampled_from([*ROOMS, "d"]), max_size=4)

ACTS = {
    "append": 8, "append_many": 1, "repeat": 3, "read": 6, "ends": 4, "advance": 3, "set_back": 2,
    "lose": 1, "come_back_empty": 1,
}  # fmt: skip


class Machine(RuleBasedStateMachine):
    """The logs of a few rooms, and every call about them."""

    sides: tuple[StoreUnderTest, StoreUnderTest]  # set by the test

    def __init__(self) -> None:
        super().__init__()
        for side in self.sides:
            side.backend.empty()
            side.incarnations.clear()
        self.base = self.now = self.sides[0].backend.now()
        self.last: Call = _ends_of(ROOMS)

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        acts = [name for name, weight in ACTS.items() for _ in range(weight)]
        getattr(self, data.draw(st.sampled_from(acts)))(data.draw)

    def both(self, call: Call) -> None:
        """The results of both for a call, one instant after the call before."""
        self.now += TICK
        self.last = call
        same(self.sides, call, now=self.now, base=self.base)

    def append(self, draw: Draw) -> None:
        self.both(_append(draw(requests)))

    def append_many(self, draw: Draw) -> None:
        self.both(_append([PublishRequest(draw(rooms), str(number)) for number in range(30)]))

    def repeat(self, draw: Draw) -> None:
        """An answer was lost."""
        self.both(self.last)

    def read(self, draw: Draw) -> None:
        what = {"after": draw(offsets), "limit": draw(limits), "max_bytes": draw(sizes)}
        room = draw(rooms)
        self.both(_read(room, **what))

    def ends(self, draw: Draw) -> None:
        self.both(_ends_of(draw(some_rooms)))

    def advance(self, draw: Draw) -> None:
        """Prune the store that does not expire entries by itself."""
        self.now += draw(st.sampled_from(TURNS)) * TICK
        self._prune()

    def set_back(self, draw: Draw) -> None:
        """Set the clock back, after pruning what has expired."""
        self._prune()
        self.now -= draw(st.sampled_from(STEPS)) * TICK

    def _prune(self) -> None:
        for side in self.sides:
            side.ask(_prune, self.now)

    def lose(self, draw: Draw) -> None:
        room = draw(rooms)
        for side in self.sides:
            side.backend.begin_anew(room)

    def come_back_empty(self, draw: Draw) -> None:
        for side in self.sides:
            side.backend.empty()


# Epochs are compared room by room; that of a room that nothing was published to may change when
# other logs are forgotten.


def _named(room: str, position: Position) -> Position:
    return replace(position, epoch=f"{room}/{position.epoch}" if position.offset else "")


def _end(room: str, end: LogEnd) -> LogEnd:
    return replace(end, top=_named(room, end.top))


def _append(given: list[PublishRequest]) -> Call:
    def call(side: StoreUnderTest) -> Any:
        appended = zip(given, side.store.log.append(given), strict=True)
        return [
            (replace(each, position=_named(request.room, each.position)), each.fresh)
            for request, each in appended
        ]

    return call


def _read(room: str, **what: int) -> Call:
    def call(side: StoreUnderTest) -> Any:
        found = side.store.log.read(room, **what)
        return replace(found, end=_end(room, found.end))

    return call


def _ends_of(rooms: list[str]) -> Call:
    def call(side: StoreUnderTest) -> Any:
        return sorted((room, _end(room, end)) for room, end in side.store.log.ends(rooms).items())

    return call


def _prune(side: StoreUnderTest) -> None:
    while side.store.log.prune():
        pass


@pytest.fixture
def sides(request: pytest.FixtureRequest) -> Iterator[tuple[StoreUnderTest, StoreUnderTest]]:
    backends = []
    for name in ("database", "redis"):
        ground, make = STORE_FIXTURES[name]
        backends.append(make(request.getfixturevalue(ground), TIMEOUTS, BOUNDS))
    yield StoreUnderTest(backends[0]), StoreUnderTest(backends[1])
    for backend in backends:
        backend.close()


@pytest.mark.server
@pytest.mark.timeout(900)  # what fails is made as small as possible, which takes its time
@pytest.mark.django_db(transaction=True)
def test_two_logs_return_the_same(
    sides: tuple[StoreUnderTest, StoreUnderTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "sides", sides, raising=False)
    run_state_machine_as_test(
        Machine,
        settings=machine_settings(examples=15, steps=50),
    )
