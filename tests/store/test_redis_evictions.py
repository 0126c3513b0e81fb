"""A Redis that evicts keys, against the advice of the documentation.

The sessions whose keys are gone are lost; all other sessions continue.
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
    found,
    ids,
    opened,
    opening,
    registration,
    report,
    returning,
    suspended,
    update,
)
from .store_fixtures import LEASE, RESUME, SILENCE, RedisFixture
from .test_limits import REJECT
from .test_rooms import EMPTY


@pytest.fixture
def backend(redis_server: RedisServer) -> Iterator[RedisFixture]:
    backend = RedisFixture(redis_server)
    yield backend
    backend.close()


@pytest.fixture
def store(backend: RedisFixture) -> BlockingStore:
    return backend.store


def evict(backend: RedisFixture, *names: str) -> None:
    assert backend.client.delete(*[f"{{tests}}:{name}" for name in names]) == len(names)


def names_in_redis(backend: RedisFixture) -> set[str]:
    return {key.decode() for key in backend.client.scan_iter()}


def test_an_evicted_connected_session_is_lost_to_its_worker(
    backend: RedisFixture, store: BlockingStore
) -> None:
    for id_ in ("s1", "s2"):
        store.open(opening(id_))
    store.request_close(session="s1", code=4500, reason="")
    evict(backend, "session:s1")
    answer = beat(store, "w1", update("s1"), update("s2"))
    assert ([lost.session for lost in answer.lost], answer.inbox) == (["s1"], ())
    assert ids(store.page(Query()).sessions) == ids(store.of_user("7")) == ["s2"]


@pytest.mark.parametrize("passed", [LEASE + 1, SILENCE + 1], ids=["lost", "silent"])
def test_a_sweep_continues_after_an_eviction(
    backend: RedisFixture, store: BlockingStore, passed: float
) -> None:
    for id_ in ("s1", "s2"):
        store.open(opening(id_))
    beat(store, "w1")
    evict(backend, "session:s1")
    backend.advance(passed)
    beat(store, "w2")
    backend.advance(SILENCE - passed + 2)
    store.sweep("sweeper")
    backend.advance(RESUME + 1)
    assert ids(store.sweep("sweeper").claimed) == ["s2"]
    store.confirm(["s2"])
    assert (store.stats().connected, store.page(Query()).sessions) == (0, ())


def test_closing_sessions_are_claimed_without_an_evicted_one(
    backend: RedisFixture, store: BlockingStore
) -> None:
    closing(store, "s1")
    closing(store, "s2")
    evict(backend, "session:s1")
    for _ in range(2):
        assert ids(store.sweep("w1").claimed) == ["s2"]
    store.confirm(["s2"])
    assert not {name for name in names_in_redis(backend) if "clos" in name or "claims" in name}


def test_a_claim_whose_end_is_gone_has_ended(backend: RedisFixture, store: BlockingStore) -> None:
    closing(store, "s1")
    assert ids(store.sweep("w1").claimed) == ["s1"]
    evict(backend, "closing")
    assert ids(store.sweep("w1").claimed) == ["s1"]


def test_a_worker_leaves_without_an_evicted_session(
    backend: RedisFixture, store: BlockingStore
) -> None:
    for id_ in ("s1", "s2", "s3"):
        store.open(opening(id_))
    evict(backend, "session:s1")
    assert ids(store.leave("w1")) == ["s2", "s3"]
    evict(backend, "session:s2")
    assert ids(store.leave("w1")) == ["s3"]


@pytest.mark.parametrize("end", ["suspended", "closing"])
def test_a_session_registered_after_its_end_is_not_closed(
    backend: RedisFixture, store: BlockingStore, end: str
) -> None:
    session = opened(store, opening("s1"))
    beat(store, "w1")
    store.suspend("w1", [departure("s1")])
    if end == "closing":
        backend.advance(RESUME + 1)
        assert ids(store.sweep("w1").claimed) == ["s1"]
    evict(backend, "session:s1")
    store.register("w1", [registration(session)])
    suspended(store, "s2")
    backend.advance(RESUME + 1)
    store.beat(report("w1"), [update("s1")])
    claimed = [id_ for _ in range(3) for id_ in ids(store.sweep("w1", limit=1).claimed)]
    assert set(claimed) == {"s2"}  # it is not held up either
    store.confirm(["s2"])
    assert store.sweep("w1").claimed == ()
    assert [(s.id, s.state.value) for s in store.page(Query()).sessions] == [("s1", "connected")]
    assert store.overdue().close == 0


@pytest.mark.parametrize("is_lost", [False, True], ids=["leaves", "is lost"])
def test_a_worker_without_its_index_drops_sessions_resumed_elsewhere(
    backend: RedisFixture, store: BlockingStore, is_lost: bool
) -> None:
    session = opened(store, opening("s1"))
    beat(store, "w1")
    evict(backend, "session:s1")
    assert store.register("w2", [registration(session)]) == ()
    backend.advance(LEASE + 1 if is_lost else 0)
    store.beat(report("w2"), [update("s1")], suspend_lost=False)
    if is_lost:
        swept = store.sweep("sweeper")
        assert (swept.suspended, swept.workers_lost) == ((), 1)
    else:
        assert store.leave("w1") == ()
    assert [(s.id, s.worker) for s in store.page(Query()).sessions] == [("s1", "w2")]
    assert "{tests}:held:w1" not in names_in_redis(backend)


def test_an_evicted_session_is_in_no_room(backend: RedisFixture, store: BlockingStore) -> None:
    store.open(opening("s1", rooms=("news", "user:7")))
    store.open(opening("s2", user="8", rooms=("news",)))
    beat(store, "w1")
    evict(backend, "session:s1")
    assert ids(store.page(Query(room="news")).sessions) == ["s2"]
    backend.advance(SILENCE + 1)
    store.sweep("sweeper")
    assert (store.attendance("news"), store.attendance("user:7")) == (EMPTY, EMPTY)
    left = names_in_redis(backend)
    assert {name for name in left if "s1" in name} == set()
    assert {name for name in left if "room" in name} == {"{tests}:rooms:s2"}


@pytest.mark.parametrize("name", ["rooms:s1", "room:news", "present:news"])
def test_an_evicted_index_of_a_room(backend: RedisFixture, store: BlockingStore, name: str) -> None:
    store.open(opening("s1", rooms=("news",)))
    evict(backend, name)
    beat(store, "w1", update("s1"), update("s1", rooms=("chat:1", "news")))
    assert store.attendance("chat:1") == Attendance(1, 1)
    assert ids(store.close("w1", [departure("s1")], "w1")) == ["s1"]
    store.confirm(["s1"])
    assert store.attendance("chat:1") == store.attendance("news") == EMPTY
    assert not {name for name in names_in_redis(backend) if "room" in name or "present" in name}


def test_an_evicted_session_does_not_count_towards_the_limit(
    backend: RedisFixture, store: BlockingStore
) -> None:
    for id_ in ("s1", "s2"):
        store.open(opening(id_))
    evict(backend, "session:s1")
    assert opened(store, opening("s3"), limit=REJECT).id == "s3"


def test_evicted_parts_of_a_peer_and_of_a_worker(
    backend: RedisFixture, store: BlockingStore
) -> None:
    store.open(opening("s1", agent="a browser"))
    for worker in ("w1", "w2"):
        beat(store, worker)
    evict(backend, "about:s1", "connections", "worker:w2")
    assert beat(store, "w1").workers == 2
    assert ids(store.close("w1", [departure("s1")], "w1")) == ["s1"]
    assert [worker.id for worker in store.workers()] == ["w1"]


@pytest.mark.parametrize("name", ["held:w1", "connected", "unstable"])
def test_a_beat_repairs_an_evicted_index(
    backend: RedisFixture, store: BlockingStore, name: str
) -> None:
    before = opened(store, opening())
    beat(store, "w1", update(missed=1))
    evict(backend, name)
    beat(store, "w1", update(idle_ms=60_000))
    session = found(store)
    assert (session.missed, session.last_beat >= before.last_beat) == (0, True)
    backend.advance(LEASE + 1)
    assert ids(beat(store, "w2").suspended) == ["s1"]


@pytest.mark.parametrize("step", [0, -7200])
def test_beats_without_their_leases_delay_no_call(
    backend: RedisFixture, store: BlockingStore, step: float
) -> None:
    beat(store, "w1")
    evict(backend, "workers")
    backend.advance(step)
    assert store.sweep("sweeper").suspended == ()
    assert beat(store, "w2").workers == 1


def test_a_window_whose_end_is_gone_has_ended(backend: RedisFixture, store: BlockingStore) -> None:
    suspended(store)
    evict(backend, "suspended")
    assert store.resume(returning()) is None


def test_an_evicted_session_is_present_nowhere(backend: RedisFixture, store: BlockingStore) -> None:
    for id_, user in (("s1", "7"), ("s2", "8")):
        store.open(opening(id_, user=user, presence={"news": "{}"}))
    beat(store, "w1")
    evict(backend, "session:s1")
    beat(store, "w1", update("s1"))
    found = store.presence({"news": ""}).rooms["news"]
    assert (found.sessions, found.users, found.listed) == (1, 1, {"8": "{}"})
    store.close("w1", [departure("s2")], "w1")
    assert not {name for name in names_in_redis(backend) if "here" in name or "described" in name}
