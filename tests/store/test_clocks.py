"""A store's clock that was wrong and has been set right, and one that is set back or forward
under the feet of those that live."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from realtime.protocol.codes import CloseCode
from realtime.store.contract import BATCH, SAMPLE_EVERY_MS, BlockingStore
from realtime.store.log import LogEnd, PublishRequest, PublishResult
from realtime.store.records import Overdue, Session, SessionLimit, SweepReport, Verdict
from realtime.store.timeouts import Timeouts

from .builders import (
    CONNECTED,
    beat,
    closing,
    departure,
    ids,
    known,
    open_many,
    opened,
    opening,
    pulse,
    resumed,
    returning,
    state,
    suspended,
)
from .kinds import BOUNDS, CLAIM, DAY, KINDS, LEASE, RESUME, StoreFixture

HOURS = 2 * 3600
MINUTE = 60


def found(store: BlockingStore, session: str = "s1") -> Session:
    """What the store says of a session that it knows."""
    record = store.get(session)
    assert record is not None
    return record


# ---------------------------------------------------------------- what was left behind


def test_a_lease_from_the_future_is_over(kind: StoreFixture) -> None:
    beat(kind.store, "w1", connections=4)
    kind.turn(-HOURS)
    assert kind.store.stats().workers == 0
    assert kind.store.workers() == ()
    answer = beat(kind.store, "w2", connections=3)
    assert (answer.workers, answer.online) == (1, 3)


@pytest.mark.parametrize("finder", ["beat", "sweep"])
def test_sessions_of_a_lease_from_the_future_are_suspended(kind: StoreFixture, finder: str) -> None:
    kind.store.open(opening())
    beat(kind.store, "w1")
    kind.turn(-HOURS)
    assert kind.store.overdue() == Overdue(suspend=1, close=0, workers_lost=1)
    answer = beat(kind.store, "w2") if finder == "beat" else kind.store.sweep("sweeper")
    assert ids(answer.suspended) == ["s1"]
    assert kind.store.overdue() == Overdue(suspend=0, close=0, workers_lost=0)
    assert found(kind.store).last_beat <= kind.now()
    kind.turn(RESUME + 1)
    assert ids(kind.store.sweep("sweeper").claimed) == ["s1"]


def test_a_beat_from_the_future_is_none(kind: StoreFixture) -> None:
    kind.store.open(opening())  # its worker was killed before its first beat
    kind.turn(-HOURS)
    assert kind.store.overdue() == Overdue(suspend=1, close=0, workers_lost=0)
    assert ids(kind.store.sweep("sweeper").suspended) == ["s1"]
    session = found(kind.store)
    assert session.opened_at <= session.connected_at <= session.last_beat <= kind.now()


def test_many_beats_from_the_future_are_found_in_steps(kind: StoreFixture) -> None:
    open_many(kind.store, BATCH + 2)
    kind.turn(-HOURS)
    kind.store.open(opening("alive"))
    assert kind.store.overdue() == Overdue(suspend=BATCH + 2, close=0, workers_lost=0)
    assert len(kind.store.sweep("sweeper").suspended) == BATCH
    assert len(kind.store.sweep("sweeper").suspended) == 2
    assert state(kind.store, "alive") is CONNECTED


def test_who_was_connected_may_resume_after_the_clock_was_set_right(kind: StoreFixture) -> None:
    kind.store.open(opening())
    beat(kind.store, "w1")
    kind.turn(-HOURS)
    session = resumed(kind.store, returning())
    assert session.opened_at <= session.connected_at <= session.last_beat <= kind.now()


def test_a_window_from_the_future_is_over(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.turn(-HOURS)
    assert kind.store.overdue() == Overdue(suspend=0, close=1, workers_lost=0)
    assert kind.store.resume(returning()) is None
    assert ids(kind.store.sweep("sweeper").claimed) == ["s1"]
    assert state(kind.store) is None


def test_a_window_from_the_future_is_not_counted_twice(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.store.request_close(session="s1", code=4500, reason="")
    kind.turn(-HOURS)
    assert kind.store.overdue() == Overdue(suspend=0, close=1, workers_lost=0)


def test_a_claim_from_the_future_is_over(kind: StoreFixture) -> None:
    closing(kind.store, claimant="one")
    assert kind.store.sweep("two").claimed == ()
    kind.turn(-HOURS)
    assert kind.store.overdue().close == 1
    assert ids(kind.store.sweep("two").claimed) == ["s1"]
    assert kind.store.sweep("one").claimed == ()
    kind.turn(CLAIM - 1)
    assert kind.store.sweep("three").claimed == ()


def test_what_ended_in_the_future_has_times_of_the_past(kind: StoreFixture) -> None:
    kind.store.open(opening())
    kind.turn(10 * MINUTE)
    beat(kind.store, "w1", pulse())
    kind.turn(-HOURS)
    (session,) = kind.store.close("w1", [departure(code=1000)], "w1")
    assert session.opened_at <= session.connected_at <= session.last_beat <= kind.now()
    assert session.last_beat - session.opened_at >= 10 * MINUTE * 1000  # as long as it was


@pytest.mark.parametrize("place", ["suspended", "connected"])
def test_who_is_left_from_the_future_makes_room(kind: StoreFixture, place: str) -> None:
    for session in ("s1", "s2"):
        kind.store.open(opening(session))
    beat(kind.store, "w1")
    if place == "suspended":
        kind.store.suspend("w1", [departure("s1"), departure("s2")])
    kind.turn(-HOURS)
    assert (
        kind.store.open(opening("s3", worker="w2"), cap=SessionLimit(2, evict_oldest=False))
        is not None
    )


def test_a_lost_worker_of_the_future_is_lost(kind: StoreFixture) -> None:
    """It held no lease when the clock was set right, and has none until it beats."""
    kind.store.open(opening())
    beat(kind.store, "w1")
    kind.turn(LEASE + 1)
    beat(kind.store, "w2")
    kind.store.leave("w2")
    kind.turn(-HOURS)
    assert kind.store.overdue().workers_lost == 0
    assert kind.store.stats().workers == 0
    assert not beat(kind.store, "w1", pulse()).renewed
    assert beat(kind.store, "w1", pulse()).renewed


# ---------------------------------------------------------------- what must stay


@pytest.fixture
def other(kind: StoreFixture, request: pytest.FixtureRequest) -> Iterator[StoreFixture]:
    """The same store, as another release of the project has set it: all windows are short."""
    ground, make = KINDS[request.node.callspec.params["kind"]]
    short = Timeouts(lease_ms=5_000, resume_ms=6_000, session_ms=30_000, claim_ms=7_000)
    other = make(request.getfixturevalue(ground), short)
    yield other
    other.close()


def test_a_changed_setting_ends_nothing(kind: StoreFixture, other: StoreFixture) -> None:
    kind.store.open(opening("live"))
    beat(kind.store, "w1")
    suspended(kind.store, "away")
    closing(kind.store, "ended", claimant="one")
    assert other.store.overdue() == Overdue(suspend=0, close=0, workers_lost=0)
    swept = other.store.sweep("two")
    assert (swept.suspended, swept.claimed, swept.workers_lost) == ((), (), 0)
    assert other.store.stats().workers == 1
    assert other.store.resume(returning("away")) is not None


@pytest.mark.parametrize("seconds", [1, LEASE - 1])
def test_a_clock_set_back_by_less_than_a_lease_changes_nothing(
    kind: StoreFixture, seconds: int
) -> None:
    kind.store.open(opening("live"))
    beat(kind.store, "w1")
    suspended(kind.store, "away")
    closing(kind.store, "ended", claimant="one")
    kind.turn(-seconds)
    assert kind.store.overdue() == Overdue(suspend=0, close=0, workers_lost=0)
    assert kind.store.stats().workers == 1
    assert beat(kind.store, "w2").suspended == ()
    assert kind.store.sweep("two").claimed == ()
    assert beat(kind.store, "w1", pulse("live")).renewed
    assert kind.store.resume(returning("away")) is not None


@pytest.mark.parametrize("seconds", [-HOURS, HOURS, -LEASE - 1, LEASE + 1])
def test_who_lives_lives_on_whatever_the_clock_does(kind: StoreFixture, seconds: int) -> None:
    for worker, session in (("w1", "s1"), ("w2", "s2")):
        kind.store.open(opening(session, worker=worker))
        beat(kind.store, worker, pulse(session))
    kind.turn(seconds)
    first = beat(kind.store, "w1", pulse("s1"))
    assert (first.renewed, first.suspended, first.lost) == (False, (), ())  # w2 has yet to beat
    second = beat(kind.store, "w2", pulse("s2"))
    assert (second.renewed, second.suspended, second.lost) == (False, (), ())
    assert (second.workers, second.online) == (2, 2)
    assert kind.store.overdue() == Overdue(suspend=0, close=0, workers_lost=0)
    for session in ("s1", "s2"):
        record = found(kind.store, session)
        assert record.state is CONNECTED
        assert record.opened_at <= record.connected_at <= record.last_beat <= kind.now()
        assert record.last_beat >= kind.now() - MINUTE * 1000
    assert beat(kind.store, "w1").renewed


@pytest.mark.parametrize("claimant", ["w1", "w1 too"])
@pytest.mark.parametrize("seconds", [-HOURS, HOURS, LEASE + 1])
def test_a_worker_that_has_yet_to_beat_suspends_nobody(
    kind: StoreFixture, seconds: int, claimant: str
) -> None:
    for worker, session in (("w1", "s1"), ("w2", "s2")):
        kind.store.open(opening(session, worker=worker))
        beat(kind.store, worker, pulse(session))
    suspended(kind.store, "away")
    kind.turn(seconds)
    swept = kind.store.sweep(claimant)
    assert (swept.suspended, swept.workers_lost) == ((), 0)
    assert ids(swept.claimed) == (["away"] if abs(seconds) > RESUME else [])
    for worker, session in (("w1", "s1"), ("w2", "s2")):
        beat(kind.store, worker, pulse(session))
    assert kind.store.sweep("w1").suspended == ()


def test_a_verdict_from_the_future_is_over(kind: StoreFixture) -> None:
    kind.store.open(opening())
    (session,) = kind.store.close("w1", [departure(code=4500)], "w1")
    kind.store.confirm([session.id])
    assert isinstance(kind.store.resume(returning()), Verdict)
    kind.turn(-HOURS)
    assert kind.store.resume(returning()) is None


def test_a_start_goes_back_by_as_much_as_the_last_beat(kind: StoreFixture) -> None:
    kind.store.open(opening())
    kind.turn(10 * MINUTE)
    beat(kind.store, "w1", pulse())
    kind.turn(-HOURS)
    beat(kind.store, "w1", pulse(idle_ms=5_000))
    session = found(kind.store)
    assert 10 * MINUTE <= (session.last_beat - session.opened_at) / 1000 < 11 * MINUTE
    assert session.opened_at == session.connected_at


def test_a_start_of_the_right_clock_stays(kind: StoreFixture) -> None:
    began = opened(kind.store, opening())
    kind.turn(HOURS + MINUTE)
    beat(kind.store, "w1", pulse())
    kind.turn(-HOURS)
    beat(kind.store, "w1", pulse())
    assert found(kind.store).opened_at == began.opened_at


@pytest.mark.parametrize("was", ["lost", "departed"])
def test_a_session_that_came_back_is_found_by_its_start(kind: StoreFixture, was: str) -> None:
    """Orders agree with what sessions say of themselves."""
    open_many(kind.store, 3)
    kind.turn(-HOURS)
    if was == "lost":
        kind.store.sweep("sweeper")
        beat(kind.store, "w1", pulse("s0000"), pulse("s0001"), pulse("s0002"))
    else:
        kind.store.suspend("w1", [departure("s0000")])
        kind.store.resume(returning("s0001"))
        beat(kind.store, "w1", pulse("s0002"))
    kind.turn(1)
    newest = opened(kind.store, opening("newest"))
    first, *others = kind.store.of_user("7")
    assert first == newest
    starts = [session.opened_at for session in others]
    assert starts == sorted(starts, reverse=True)
    assert starts[0] < newest.opened_at


def test_the_oldest_is_still_the_one_that_gives_way(kind: StoreFixture) -> None:
    kind.store.open(opening("old"))
    kind.turn(-HOURS)
    beat(kind.store, "w1", pulse("old"))
    kind.turn(1)
    kind.store.open(opening("new"))
    kind.turn(1)
    assert kind.store.open(opening("newest"), cap=SessionLimit(2, evict_oldest=True)) is not None
    (asked,) = beat(kind.store, "w1").inbox
    assert (asked.session, asked.code) == ("old", CloseCode.TOO_MANY_SESSIONS)


@pytest.mark.parametrize("stored", [True, False])
def test_what_a_worker_remembers_of_the_future_is_put_back_into_the_past(
    kind: StoreFixture, stored: bool
) -> None:
    session = opened(kind.store, opening())
    if not stored:
        kind.empty()
    kind.turn(-HOURS)
    ahead = replace(session, generation=session.generation + (1 if stored else 0))
    assert kind.store.register("w1", [known(ahead)]) == ()
    record = found(kind.store)
    assert record.opened_at <= record.connected_at <= record.last_beat <= kind.now()
    assert kind.store.sweep("sweeper").suspended == ()


# ---------------------------------------------------------------- numbers


def test_samples_from_the_future_hold_nothing_up(kind: StoreFixture) -> None:
    beat(kind.store, connections=4)
    kind.store.sample()
    kind.turn(-HOURS)
    assert kind.store.samples() == ()
    beat(kind.store, connections=3)
    kind.store.sample()
    (sample,) = kind.store.samples()
    assert sample.connected == 3
    assert sample.at <= kind.now()
    kind.turn(HOURS)
    assert kind.store.samples() == ()


def test_whoever_has_seen_the_future_is_shown_the_present(kind: StoreFixture) -> None:
    kind.store.sample()
    (seen,) = kind.store.samples()
    kind.turn(-HOURS)
    kind.store.sample()
    assert len(kind.store.samples(after=seen.at)) == 1
    kind.turn(SAMPLE_EVERY_MS / 1000)
    kind.store.sample()
    assert len(kind.store.samples(after=seen.at)) == 2


def test_the_last_sweep_is_never_ahead(kind: StoreFixture) -> None:
    kind.store.note_sweep(SweepReport(1, 2, 3, 4, 0.5))
    kind.turn(-HOURS)
    last = kind.store.stats().last_sweep
    assert last is not None
    assert last.at <= kind.now()


# ---------------------------------------------------------------- logs


def appended(store: BlockingStore, *, key: str = "", room: str = "news") -> PublishResult:
    """What became of one draft."""
    (answer,) = store.log.append([PublishRequest(room, "1", key)])
    return answer


def end_of(store: BlockingStore, room: str = "news") -> LogEnd:
    """Where its log ends."""
    return store.log.ends([room])[room]


@pytest.fixture
def held(kind: StoreFixture) -> StoreFixture:
    """A store whose log of "news" was written by a clock that was ahead."""
    appended(kind.store, key="k")
    beat(kind.store, "w1")
    kind.turn(-HOURS)
    return kind


def entries(store: BlockingStore) -> int:
    """How many are still there."""
    return len(store.log.read("news", after=0, limit=9, max_bytes=99).entries)


def pruned(store: BlockingStore) -> int:
    """How much was forgotten."""
    return sum(iter(store.log.prune, 0))


def test_what_is_ahead_stays_until_somebody_notices(held: StoreFixture) -> None:
    """Nothing is published twice, and nobody misses anything, for a clock that was set right."""
    assert pruned(held.store) == 0
    assert (entries(held.store), appended(held.store, key="k").fresh) == (1, False)


@pytest.mark.parametrize("worker", ["w1", "w2"])
def test_what_is_ahead_counts_from_when_a_worker_noticed(held: StoreFixture, worker: str) -> None:
    beat(held.store, worker)
    held.turn(BOUNDS.ttl_ms / 1000 - 1)
    assert pruned(held.store) == 0
    assert (entries(held.store), appended(held.store, key="k").fresh) == (1, False)
    held.turn(2)
    before = end_of(held.store)
    assert (before.top.offset, before.oldest, entries(held.store)) == (1, 2, 0)
    again = appended(held.store, key="k")
    assert (again.position.epoch, again.position.offset, again.fresh) == (before.top.epoch, 2, True)
    assert (end_of(held.store).oldest, appended(held.store, key="k").fresh) == (2, False)


def test_what_is_ahead_is_pruned_when_it_is_over(held: StoreFixture) -> None:
    beat(held.store, "w1")
    held.turn(BOUNDS.ttl_ms / 1000 + 1)
    pruned(held.store)
    assert end_of(held.store).oldest == 2


def test_a_step_that_was_noticed_says_nothing_of_the_next_one(held: StoreFixture) -> None:
    beat(held.store, "w1")
    held.turn(HOURS + DAY)
    first = appended(held.store, key="another")
    beat(held.store, "w1")
    held.turn(-HOURS)
    pruned(held.store)
    assert appended(held.store, key="another") == first
    assert end_of(held.store).oldest == first.position.offset


@pytest.mark.parametrize("seconds", [1, BOUNDS.ttl_ms // 1000 - 1])
def test_a_log_overlooks_a_step_that_is_shorter_than_its_age(
    kind: StoreFixture, seconds: int
) -> None:
    appended(kind.store, key="k")
    kind.turn(-seconds)
    assert (end_of(kind.store).oldest, appended(kind.store, key="k").fresh) == (1, False)
    assert appended(kind.store).position.offset == 2
    assert end_of(kind.store).oldest == 1


def test_a_quiet_room_of_the_future_is_not_remembered_for_ever(kind: StoreFixture) -> None:
    before = appended(kind.store)
    beat(kind.store, "w1")
    kind.turn(-100 * DAY)
    beat(kind.store, "w1")
    pruned(kind.store)
    assert end_of(kind.store).top == before.position
    kind.turn(BOUNDS.meta_ttl_ms / 1000 + 1)
    pruned(kind.store)
    assert end_of(kind.store).top.epoch != before.position.epoch


@pytest.mark.parametrize("finder", ["beat", "sweep"])
@pytest.mark.parametrize("end", ["left", "lost", "killed"])
def test_it_is_noticed_whatever_became_of_who_was_ahead(
    kind: StoreFixture, end: str, finder: str
) -> None:
    appended(kind.store, key="k")
    beat(kind.store, "w1")
    if end == "left":
        kind.store.leave("w1")
    elif end == "lost":
        kind.turn(LEASE + 1)
        kind.store.sweep("sweeper")
    kind.turn(-HOURS)
    if finder == "beat":
        beat(kind.store, "w2")
    kind.store.sweep("sweeper")
    beat(kind.store, "w2")
    kind.turn(BOUNDS.ttl_ms / 1000 + 1)
    assert (entries(kind.store), appended(kind.store, key="k").fresh) == (0, True)


def test_a_clock_that_goes_back_in_steps_leaves_nothing_ahead(held: StoreFixture) -> None:
    beat(held.store, "w1")
    held.turn(-HOURS)
    beat(held.store, "w1")
    held.turn(BOUNDS.ttl_ms / 1000 + 1)
    assert (entries(held.store), appended(held.store, key="k").fresh) == (0, True)


def test_a_step_is_noticed_once(held: StoreFixture) -> None:
    beat(held.store, "w1")
    for worker in range(3):
        held.turn(BOUNDS.ttl_ms / 3000 + 1)
        held.store.sweep("sweeper")
        beat(held.store, f"new {worker}")
    assert entries(held.store) == 0
