"""A Redis from which somebody else takes keys away, such as one that makes room.

It must not be so, and costs the sessions whose keys are gone. Nobody else stumbles over them.
"""

from collections.abc import Iterator

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.records import Attendance, Query
from tests.redis_server import RedisServer

from .builders import (
    beat,
    closing,
    departure,
    ids,
    known,
    opened,
    opening,
    pulse,
    report,
    returning,
    suspended,
)
from .kinds import LEASE, RESUME, SILENCE, RedisFixture
from .test_limits import REJECT
from .test_rooms import NOBODY


@pytest.fixture
def kind(redis_server: RedisServer) -> Iterator[RedisFixture]:
    kind = RedisFixture(redis_server)
    yield kind
    kind.close()


@pytest.fixture
def store(kind: RedisFixture) -> BlockingStore:
    return kind.store


def evict(kind: RedisFixture, *names: str) -> None:
    assert kind.client.delete(*[f"{{tests}}:{name}" for name in names]) == len(names)


def names_in_redis(kind: RedisFixture) -> set[str]:
    return {key.decode() for key in kind.client.scan_iter()}


def test_a_connected_one_is_unknown_to_its_worker(kind: RedisFixture, store: BlockingStore) -> None:
    for id_ in ("s1", "s2"):
        store.open(opening(id_))
    store.request_close(session="s1", code=4500, reason="")
    evict(kind, "session:s1")
    answer = beat(store, "w1", pulse("s1"), pulse("s2"))
    assert ([lost.session for lost in answer.lost], answer.inbox) == (["s1"], ())
    assert ids(store.page(Query()).sessions) == ids(store.of_user("7")) == ["s2"]


@pytest.mark.parametrize("passed", [LEASE + 1, SILENCE + 1], ids=["lost", "silent"])
def test_a_sweep_goes_on(kind: RedisFixture, store: BlockingStore, passed: float) -> None:
    for id_ in ("s1", "s2"):
        store.open(opening(id_))
    beat(store, "w1")
    evict(kind, "session:s1")
    kind.turn(passed)
    beat(store, "w2")
    kind.turn(SILENCE - passed + 2)
    store.sweep("sweeper")
    kind.turn(RESUME + 1)
    assert ids(store.sweep("sweeper").claimed) == ["s2"]
    store.confirm(["s2"])
    assert (store.stats().connected, store.page(Query()).sessions) == (0, ())


def test_closing_ones_are_claimed_without_it(kind: RedisFixture, store: BlockingStore) -> None:
    closing(store, "s1")
    closing(store, "s2")
    evict(kind, "session:s1")
    for _ in range(2):
        assert ids(store.sweep("w1").claimed) == ["s2"]
    store.confirm(["s2"])
    assert not {name for name in names_in_redis(kind) if "clos" in name or "claims" in name}


def test_a_claim_whose_end_is_gone_has_ended(kind: RedisFixture, store: BlockingStore) -> None:
    closing(store, "s1")
    assert ids(store.sweep("w1").claimed) == ["s1"]
    evict(kind, "closing")
    assert ids(store.sweep("w1").claimed) == ["s1"]


def test_a_worker_leaves_without_it(kind: RedisFixture, store: BlockingStore) -> None:
    for id_ in ("s1", "s2", "s3"):
        store.open(opening(id_))
    evict(kind, "session:s1")
    assert ids(store.leave("w1")) == ["s2", "s3"]
    evict(kind, "session:s2")
    assert ids(store.leave("w1")) == ["s3"]


@pytest.mark.parametrize("end", ["suspended", "closing"])
def test_who_was_put_back_after_its_end_is_not_closed(
    kind: RedisFixture, store: BlockingStore, end: str
) -> None:
    session = opened(store, opening("s1"))
    beat(store, "w1")
    store.suspend("w1", [departure("s1")])
    if end == "closing":
        kind.turn(RESUME + 1)
        assert ids(store.sweep("w1").claimed) == ["s1"]
    evict(kind, "session:s1")
    store.register("w1", [known(session)])
    suspended(store, "s2")
    kind.turn(RESUME + 1)
    store.beat(report("w1"), [pulse("s1")])
    claimed = [id_ for _ in range(3) for id_ in ids(store.sweep("w1", limit=1).claimed)]
    assert set(claimed) == {"s2"}  # it is not held up either
    store.confirm(["s2"])
    assert store.sweep("w1").claimed == ()
    assert [(s.id, s.state.value) for s in store.page(Query()).sessions] == [("s1", "connected")]
    assert store.overdue().close == 0


@pytest.mark.parametrize("is_lost", [False, True], ids=["leaves", "is lost"])
def test_a_worker_without_it_lets_go_of_who_is_elsewhere_now(
    kind: RedisFixture, store: BlockingStore, is_lost: bool
) -> None:
    session = opened(store, opening("s1"))
    beat(store, "w1")
    evict(kind, "session:s1")
    assert store.register("w2", [known(session)]) == ()
    kind.turn(LEASE + 1 if is_lost else 0)
    store.beat(report("w2"), [pulse("s1")], suspend_lost=False)
    if is_lost:
        swept = store.sweep("sweeper")
        assert (swept.suspended, swept.workers_lost) == ((), 1)
    else:
        assert store.leave("w1") == ()
    assert [(s.id, s.worker) for s in store.page(Query()).sessions] == [("s1", "w2")]
    assert "{tests}:held:w1" not in names_in_redis(kind)


def test_who_is_gone_is_in_no_room(kind: RedisFixture, store: BlockingStore) -> None:
    store.open(opening("s1", rooms=("news", "user:7")))
    store.open(opening("s2", user="8", rooms=("news",)))
    beat(store, "w1")
    evict(kind, "session:s1")
    assert ids(store.page(Query(room="news")).sessions) == ["s2"]
    kind.turn(SILENCE + 1)
    store.sweep("sweeper")
    assert (store.attendance("news"), store.attendance("user:7")) == (NOBODY, NOBODY)
    left = names_in_redis(kind)
    assert {name for name in left if "s1" in name} == set()
    assert {name for name in left if "room" in name} == {"{tests}:rooms:s2"}


@pytest.mark.parametrize("name", ["rooms:s1", "room:news", "present:news"])
def test_what_is_gone_of_a_room(kind: RedisFixture, store: BlockingStore, name: str) -> None:
    store.open(opening("s1", rooms=("news",)))
    evict(kind, name)
    beat(store, "w1", pulse("s1"), pulse("s1", rooms=("chat:1", "news")))
    assert store.attendance("chat:1") == Attendance(1, 1)
    assert ids(store.close("w1", [departure("s1")], "w1")) == ["s1"]
    store.confirm(["s1"])
    assert store.attendance("chat:1") == store.attendance("news") == NOBODY
    assert not {name for name in names_in_redis(kind) if "room" in name or "present" in name}


def test_it_takes_no_room_from_its_user(kind: RedisFixture, store: BlockingStore) -> None:
    for id_ in ("s1", "s2"):
        store.open(opening(id_))
    evict(kind, "session:s1")
    assert opened(store, opening("s3"), cap=REJECT).id == "s3"


def test_the_rest_of_a_peer_and_of_a_worker(kind: RedisFixture, store: BlockingStore) -> None:
    store.open(opening("s1", agent="a browser"))
    for worker in ("w1", "w2"):
        beat(store, worker)
    evict(kind, "about:s1", "connections", "worker:w2")
    assert beat(store, "w1").workers == 2
    assert ids(store.close("w1", [departure("s1")], "w1")) == ["s1"]
    assert [worker.id for worker in store.workers()] == ["w1"]


@pytest.mark.parametrize("name", ["held:w1", "connected", "unstable"])
def test_a_beat_puts_right_what_is_gone_of_an_index(
    kind: RedisFixture, store: BlockingStore, name: str
) -> None:
    before = opened(store, opening())
    beat(store, "w1", pulse(missed=1))
    evict(kind, name)
    beat(store, "w1", pulse(idle_ms=60_000))
    session = store.get("s1")
    assert session is not None
    assert (session.missed, session.last_beat >= before.last_beat) == (0, True)
    kind.turn(LEASE + 1)
    assert ids(beat(store, "w2").suspended) == ["s1"]


@pytest.mark.parametrize("step", [0, -7200])
def test_beats_without_their_leases_hold_nobody_up(
    kind: RedisFixture, store: BlockingStore, step: float
) -> None:
    beat(store, "w1")
    evict(kind, "workers")
    kind.turn(step)
    assert store.sweep("sweeper").suspended == ()
    assert beat(store, "w2").workers == 1


def test_a_window_whose_end_is_gone_has_ended(kind: RedisFixture, store: BlockingStore) -> None:
    suspended(store)
    evict(kind, "suspended")
    assert store.resume(returning()) is None
