"""The message log on a clock that was wrong: entries from the future, and steps back."""

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.log import LogEnd, PublishRequest, PublishResult

from .builders import (
    beat,
)
from .store_fixtures import BOUNDS, DAY, LEASE, StoreFixture

HOURS = 2 * 3600
MINUTE = 60


def appended(store: BlockingStore, *, key: str = "", room: str = "news") -> PublishResult:
    """The result of one request."""
    (answer,) = store.log.append([PublishRequest(room, "1", key)])
    return answer


def end_of(store: BlockingStore, room: str = "news") -> LogEnd:
    """The end of the room's log."""
    return store.log.ends([room])[room]


@pytest.fixture
def held(backend: StoreFixture) -> StoreFixture:
    """A store whose log of "news" was written by a clock in the future."""
    appended(backend.store, key="k")
    beat(backend.store, "w1")
    backend.advance(-HOURS)
    return backend


def entries(store: BlockingStore) -> int:
    """How many entries are left."""
    return len(store.log.read("news", after=0, limit=9, max_bytes=99).entries)


def pruned(store: BlockingStore) -> int:
    """How much was pruned."""
    return sum(iter(store.log.prune, 0))


def test_a_log_from_the_future_stays_until_a_worker_notices(held: StoreFixture) -> None:
    """A clock that is corrected causes no duplicate publication, and loses none."""
    assert pruned(held.store) == 0
    assert (entries(held.store), appended(held.store, key="k").fresh) == (1, False)


@pytest.mark.parametrize("worker", ["w1", "w2"])
def test_a_log_from_the_future_ages_from_when_a_worker_noticed(
    held: StoreFixture, worker: str
) -> None:
    beat(held.store, worker)
    held.advance(BOUNDS.ttl_ms / 1000 - 1)
    assert pruned(held.store) == 0
    assert (entries(held.store), appended(held.store, key="k").fresh) == (1, False)
    held.advance(2)
    before = end_of(held.store)
    assert (before.top.offset, before.oldest, entries(held.store)) == (1, 2, 0)
    again = appended(held.store, key="k")
    assert (again.position.epoch, again.position.offset, again.fresh) == (before.top.epoch, 2, True)
    assert (end_of(held.store).oldest, appended(held.store, key="k").fresh) == (2, False)


def test_a_log_from_the_future_is_pruned_when_it_expires(held: StoreFixture) -> None:
    beat(held.store, "w1")
    held.advance(BOUNDS.ttl_ms / 1000 + 1)
    pruned(held.store)
    assert end_of(held.store).oldest == 2


def test_a_noticed_step_does_not_cover_the_next_one(held: StoreFixture) -> None:
    beat(held.store, "w1")
    held.advance(HOURS + DAY)
    first = appended(held.store, key="another")
    beat(held.store, "w1")
    held.advance(-HOURS)
    pruned(held.store)
    assert appended(held.store, key="another") == first
    assert end_of(held.store).oldest == first.position.offset


@pytest.mark.parametrize("seconds", [1, BOUNDS.ttl_ms // 1000 - 1])
def test_a_log_overlooks_a_step_that_is_shorter_than_its_age(
    backend: StoreFixture, seconds: int
) -> None:
    appended(backend.store, key="k")
    backend.advance(-seconds)
    assert (end_of(backend.store).oldest, appended(backend.store, key="k").fresh) == (1, False)
    assert appended(backend.store).position.offset == 2
    assert end_of(backend.store).oldest == 1


def test_a_quiet_room_from_the_future_expires(backend: StoreFixture) -> None:
    before = appended(backend.store)
    beat(backend.store, "w1")
    backend.advance(-100 * DAY)
    beat(backend.store, "w1")
    pruned(backend.store)
    assert end_of(backend.store).top == before.position
    backend.advance(BOUNDS.meta_ttl_ms / 1000 + 1)
    pruned(backend.store)
    assert end_of(backend.store).top.epoch != before.position.epoch


@pytest.mark.parametrize("finder", ["beat", "sweep"])
@pytest.mark.parametrize("end", ["left", "lost", "killed"])
def test_a_step_is_noticed_after_the_worker_in_the_future_ended(
    backend: StoreFixture, end: str, finder: str
) -> None:
    appended(backend.store, key="k")
    beat(backend.store, "w1")
    if end == "left":
        backend.store.leave("w1")
    elif end == "lost":
        backend.advance(LEASE + 1)
        backend.store.sweep("sweeper")
    backend.advance(-HOURS)
    if finder == "beat":
        beat(backend.store, "w2")
    backend.store.sweep("sweeper")
    beat(backend.store, "w2")
    backend.advance(BOUNDS.ttl_ms / 1000 + 1)
    assert (entries(backend.store), appended(backend.store, key="k").fresh) == (0, True)


def test_a_clock_that_goes_back_in_steps_leaves_no_log_in_the_future(held: StoreFixture) -> None:
    beat(held.store, "w1")
    held.advance(-HOURS)
    beat(held.store, "w1")
    held.advance(BOUNDS.ttl_ms / 1000 + 1)
    assert (entries(held.store), appended(held.store, key="k").fresh) == (0, True)


def test_a_step_is_noticed_once(held: StoreFixture) -> None:
    beat(held.store, "w1")
    for worker in range(3):
        held.advance(BOUNDS.ttl_ms / 3000 + 1)
        held.store.sweep("sweeper")
        beat(held.store, f"new {worker}")
    assert entries(held.store) == 0
