"""Two stores get the same random calls, and have to return the same."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from realtime.store.database.tombstones import Tombstones
from realtime.store.records import (
    Deliveries,
    Departure,
    Opening,
    Page,
    Peer,
    Query,
    Registration,
    Session,
    SessionUpdate,
    SweepReport,
    Totals,
    Verdict,
)
from tests.search_profiles import machine_settings

from . import call_strategies as calls
from .builders import pages, report, update
from .store_fixtures import LOGS, STORE_FIXTURES, RedisFixture
from .stores_compared import IDLE, STEPS, TICK, TIMEOUTS, TURNS, Call, StoreUnderTest, same

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A session as its worker knew it; each store has its own times of it."""

    opening: Opening
    sessions: dict[StoreUnderTest, Session]

    def registration(
        self, side: StoreUnderTest, *, ahead: int = 0, idle_ms: int = 0
    ) -> Registration:
        """``ahead`` by so many resumes that a store which came back has lost."""
        opening, session = self.opening, self.sessions[side]
        session = replace(session, generation=session.generation + ahead)
        names = (opening.token_hash, opening.connection)
        return Registration(session, *names, idle_ms, opening.presence)


# The acts and their weights, in one rule: Hypothesis would switch rules of their own off in some
# examples, which pays only with many more examples.
ACTS = {
    "open": 5, "resume": 6, "come_late": 2, "beat": 8, "beat_about_some": 2, "register": 4,
    "depart": 4, "confirm": 1, "change_login": 4, "ask_one_to_close": 3, "ask_some_to_close": 1,
    "leave": 1,
    "sweep": 3, "sweep_to_the_end": 1, "advance": 3, "set_back": 2, "repeat": 3,
    "come_back_empty": 2, "leaf_through": 3, "look_closer": 4, "keep_numbers": 1,
}  # fmt: skip


class Machine(RuleBasedStateMachine):
    """Sessions of a few users at a few workers, and every call about them."""

    sides: tuple[StoreUnderTest, StoreUnderTest]  # set by the test

    def __init__(self) -> None:
        super().__init__()
        for side in self.sides:
            side.backend.empty()
            side.incarnations.clear()
            side.versions.clear()
        # In the middle of a bucket of samples, as all later instants.
        self.base = self.now = self.sides[0].backend.now() // 10_000 * 10_000 + 5_000
        self.numbers = itertools.count()
        self.last: Call = lambda side: side.store.stats()
        self.openings: dict[str, Opening] = {}
        self.sent: list[Opening] = []
        self.generations: dict[str, int] = {}
        self.snapshots: list[Snapshot] = []

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        acts = [name for name, weight in ACTS.items() for _ in range(weight)]
        name = data.draw(st.sampled_from(acts)) if self.openings else "open"
        getattr(self, name)(data.draw)

    @invariant()
    def they_show_the_same(self) -> None:
        same(self.sides, _everybody, now=self.now, base=self.base)

    def both(self, call: Call) -> list[Any]:
        """The results of both for a call, one instant after the call before."""
        self.now += TICK
        self.last = call
        return same(self.sides, call, now=self.now, base=self.base)

    def some(self, draw: Draw, size: int = 4) -> list[str]:
        """Ids of recent sessions; few, so that many acts concern each."""
        known = st.sampled_from(list(self.openings)[-4:])
        chosen: list[str] = draw(st.lists(known, min_size=1, max_size=size, unique=True))
        return chosen

    # ------------------------------------------------------------ time and faults

    def advance(self, draw: Draw) -> None:
        self.now += draw(st.sampled_from(TURNS))

    def set_back(self, draw: Draw) -> None:
        """The clock was in the future, or is in the past now."""
        self.now -= draw(st.sampled_from(STEPS))

    def repeat(self, draw: Draw) -> None:
        """An answer was lost."""
        if draw(st.booleans()):
            self.both(self.last)
        else:
            same(self.sides, self.last, now=self.now, base=self.base)

    def come_back_empty(self, draw: Draw) -> None:
        """Or with an old snapshot, as workers register it."""
        for side in self.sides:
            side.backend.empty()
            side.versions.clear()
        if draw(st.booleans()):
            idle_ms = _idle(draw(calls.counts))
            for worker in calls.WORKERS:
                self._register(worker, self.snapshots, idle_ms=idle_ms)

    # ------------------------------------------------------------ coming

    def open(self, draw: Draw) -> None:
        id_ = f"{draw(calls.heads)}{len(self.openings)}"
        user, limit = draw(calls.users), draw(calls.limits)
        peer = Peer(user, user.title(), draw(calls.logins), "10.0.0.0", "Firefox")
        named = (id_, f"token of {id_}", f"{id_}, first", draw(calls.workers))
        presence = draw(calls.presences)
        opening = Opening(*named, peer, rooms=draw(calls.in_rooms), presence=presence)
        self.openings[id_], self.generations[id_] = opening, 1
        self.sent.append(opening)
        self._welcome(opening, self.both(lambda side: side.store.open(opening, limit=limit)))

    def resume(self, draw: Draw) -> None:
        (session,) = self.some(draw, 1)
        first = self.openings[session]
        opening = replace(
            first,
            token_hash="another" if draw(calls.rarely) else first.token_hash,
            connection=f"{session}, {next(self.numbers)}",
            worker=draw(calls.workers),
            peer=replace(first.peer, login=draw(calls.logins), address="::1"),
            visibility="hidden",
            rooms=draw(calls.in_rooms),
            turn=draw(calls.turns),
            presence=draw(calls.presences),
        )
        self.sent.append(opening)
        self._welcome(opening, self.both(lambda side: side.store.resume(opening)))

    def come_late(self, draw: Draw) -> None:
        """An abandoned call arrives late, or once more."""
        opening = draw(st.sampled_from(self.sent[-8:]))
        if draw(st.booleans()):
            self._welcome(opening, self.both(lambda side: side.store.resume(opening)))
        else:
            self._welcome(opening, self.both(lambda side: side.store.open(opening)))

    def _welcome(self, opening: Opening, answers: list[Session | Verdict | None]) -> None:
        """Remember the sessions that were admitted."""
        one, two = answers
        if isinstance(one, Session) and isinstance(two, Session):
            self.openings[opening.session] = opening
            self.generations[opening.session] = one.generation
            both = dict(zip(self.sides, (one, two), strict=True))
            self.snapshots.append(Snapshot(opening, both))

    # ------------------------------------------------------------ staying

    def beat(self, draw: Draw) -> None:
        """About all that the worker should have."""
        worker, count = draw(calls.workers), draw(calls.counts)
        own = [id_ for id_, opening in self.openings.items() if opening.worker == worker]
        self._beat(worker, [self._update(id_, 0, count, draw(calls.news)) for id_ in own], count)

    def beat_about_some(self, draw: Draw) -> None:
        count, shift = draw(calls.counts), draw(calls.shifts)
        updates = [self._update(id_, shift, count, draw(calls.news)) for id_ in self.some(draw)]
        self._beat(draw(calls.workers), updates, count)

    def _beat(self, worker: str, updates: list[SessionUpdate], count: int) -> None:
        report_ = report(
            worker,
            connections=count,
            pings=5 * count,
            latency=((9, count + 1),),
            deliveries=Deliveries(count, 9 * count, 7, count // 2),
        )
        self.both(lambda side: side.store.beat(report_, updates, suspend_lost=count != 2))

    def register(self, draw: Draw) -> None:
        """As it is now, or as it was when their worker froze."""
        which = draw(st.sets(st.integers(1, 12), min_size=1, max_size=4))
        chosen = [self.snapshots[-n] for n in sorted(which) if n <= len(self.snapshots)]
        if chosen:
            ahead, idle_ms = int(draw(calls.rarely)), _idle(draw(calls.counts))
            self._register(chosen[0].opening.worker, chosen, ahead=ahead, idle_ms=idle_ms)

    def _register(self, worker: str, snapshots: Sequence[Snapshot], **how: int) -> None:
        own = {s.opening.session: s for s in reversed(snapshots) if s.opening.worker == worker}
        given = {side: [s.registration(side, **how) for s in own.values()] for side in self.sides}
        self.both(lambda side: side.store.register(worker, given[side]))

    def change_login(self, draw: Draw) -> None:
        """The client of a session brings a new token, perhaps on an abandoned connection."""
        ((id_,), login) = self.some(draw, 1), draw(calls.logins)
        opening = (
            draw(st.sampled_from(self.sent[-8:])) if draw(calls.rarely) else self.openings[id_]
        )
        named = (opening.session, opening.connection, login)
        self.both(lambda side: side.store.change_login(*named))

    def _update(self, session: str, shift: int, count: int, news: dict[str, Any]) -> SessionUpdate:
        return update(
            session,
            generation=self.generations[session] + shift,
            latency_ms=[None, 12.5, 300.25, 0.0][count],
            missed=count // 2,
            visibility=["visible", "hidden"][count % 2],
            totals=Totals(pings=count, pongs=count // 2, frames_in=count * 10**12),
            idle_ms=_idle(count),
            **news,
        )

    # ------------------------------------------------------------ going

    def depart(self, draw: Draw) -> None:
        some, claimant = self.some(draw, 2), draw(calls.workers)
        worker = self.openings[some[0]].worker
        departures = self._departures(draw, some)
        if draw(st.booleans()):
            self.both(lambda side: side.store.close(worker, departures, claimant))
        else:
            self.both(lambda side: side.store.suspend(worker, departures))

    def _departures(self, draw: Draw, some: list[str]) -> list[Departure]:
        shift, count = draw(calls.shifts), draw(calls.counts)
        code, reason = draw(calls.codes), draw(calls.reasons)
        names = {id_: self.openings[id_].connection for id_ in some} if draw(calls.rarely) else {}
        return [
            Departure(
                self._update(id_, shift, count, draw(calls.news)), code, reason, names.get(id_, "")
            )
            for id_ in some
        ]

    def confirm(self, draw: Draw) -> None:
        some = self.some(draw)
        self.both(lambda side: side.store.confirm(some))

    def ask_one_to_close(self, draw: Draw) -> None:
        ((id_,), code, reason) = self.some(draw, 1), draw(calls.codes), draw(calls.reasons)
        self.both(lambda side: side.store.request_close(session=id_, code=code, reason=reason))

    def ask_some_to_close(self, draw: Draw) -> None:
        """Of a user or login; both or neither is a ValueError."""
        who, code = {"user": draw(calls.users), "login": draw(calls.logins)}, draw(calls.codes)
        self.both(lambda side: side.store.request_close(**who, code=code, reason=""))

    def leave(self, draw: Draw) -> None:
        worker = draw(calls.workers)
        self.both(lambda side: side.store.leave(worker))

    def sweep(self, draw: Draw) -> None:
        claimant = draw(calls.workers)
        self.both(lambda side: side.store.sweep(claimant))

    def sweep_to_the_end(self, draw: Draw) -> None:
        """Step by step: the order is unspecified, the sum is not."""
        claimant, limit = draw(calls.workers), draw(st.integers(1, 3))
        self.both(lambda side: _swept(side, claimant, limit))

    # ------------------------------------------------------------ looking

    def leaf_through(self, draw: Draw) -> None:
        query, limit = draw(calls.queries), draw(st.integers(0, 4))
        self.both(lambda side: list(pages(side.store, query, limit)))

    def look_closer(self, draw: Draw) -> None:
        (id_,), user = self.some(draw, 1), draw(calls.users)
        self.both(lambda side: (side.store.get(id_), side.store.of_user(user)))
        self.both(lambda side: [side.store.attendance(room) for room in calls.ROOMS])
        self.both(_presence)
        self.both(lambda side: (side.store.stats(), side.store.workers(), side.store.overdue()))

    def keep_numbers(self, draw: Draw) -> None:
        after, count = draw(st.integers(-5, 50)), draw(calls.counts)
        since = self.now - after * TICK
        self.both(lambda side: side.store.note_sweep(SweepReport(count, 0, 1, 2, 0.5)))
        self.both(lambda side: side.store.sample())
        self.both(lambda side: side.store.samples(after=since))


def _idle(count: int) -> int:
    return IDLE[count % len(IDLE)]


def _everybody(side: StoreUnderTest) -> Page:
    return side.store.page(Query(), limit=500)


def _presence(side: StoreUnderTest) -> list[Any]:
    """Each store has versions of its own, which have to tell whether there is a change."""
    known = side.versions
    answer = side.store.presence({room: known.get(room, "") for room in calls.ROOMS})
    for room, found in answer.rooms.items():
        known[room], side.presence[room] = found.version, replace(found, version="")
    return [side.presence[room] for room in calls.ROOMS]


def _swept(side: StoreUnderTest, claimant: str, limit: int) -> list[Any]:
    suspended: list[Session] = []
    claimed: list[Session] = []
    workers_lost = 0
    while True:
        step = side.store.sweep(claimant, limit=limit)
        side.store.confirm([session.id for session in step.claimed])
        suspended += step.suspended
        claimed += step.claimed
        workers_lost += step.workers_lost
        if not step.suspended and not step.claimed:
            break
    return [sorted(s, key=lambda session: session.id) for s in (suspended, claimed)] + [
        workers_lost
    ]


@pytest.fixture
def sides(request: pytest.FixtureRequest) -> Iterator[tuple[StoreUnderTest, StoreUnderTest]]:
    backends = []
    for name in ("database", "redis"):
        ground, make = STORE_FIXTURES[name]
        backends.append(make(request.getfixturevalue(ground), TIMEOUTS))
    yield StoreUnderTest(backends[0]), StoreUnderTest(backends[1])
    for backend in backends:
        backend.close()


@pytest.mark.server
@pytest.mark.timeout(900)  # shrinking a failure takes long
@pytest.mark.django_db(transaction=True)
def test_two_stores_return_the_same(
    sides: tuple[StoreUnderTest, StoreUnderTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "sides", sides, raising=False)
    # Each deletes expired tombstones at its own time, and clocks are set back here.
    monkeypatch.setattr(Tombstones, "prune", lambda *_: None)
    monkeypatch.setattr(RedisFixture, "ageing", (LOGS,))
    run_state_machine_as_test(
        Machine,
        settings=machine_settings(examples=40, steps=80),
    )
