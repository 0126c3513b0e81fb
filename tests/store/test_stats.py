"""``stats`` of latencies, ``workers``, ``sample`` and ``samples``."""

import pytest

from realtime.store.contract import ID_PREFIX_LEN, SAMPLE_EVERY_MS, BlockingStore
from realtime.store.histogram import RELATIVE_ERROR, LatencyHistogram, Sparse
from realtime.store.records import Deliveries, Order, Query, StatsSample, SweepReport

from .builders import beat, departure, open_many, opening, report, totals
from .store_fixtures import DAY, LEASE, StoreFixture

BUCKET = SAMPLE_EVERY_MS / 1000
HOUR = 3600.0


def latencies(*values_ms: float) -> Sparse:
    histogram = LatencyHistogram()
    for ms in values_ms:
        histogram.add(ms)
    return histogram.sparse()


def near(ms: float) -> object:
    return pytest.approx(ms, rel=RELATIVE_ERROR + 0.001)


def percentiles(store: BlockingStore) -> tuple[float | None, float | None]:
    stats = store.stats()
    return stats.latency_p50, stats.latency_p95


# ---------------------------------------------------------------- latencies


def test_no_latency_without_data(store: BlockingStore) -> None:
    assert percentiles(store) == (None, None)
    beat(store, "w1")
    assert percentiles(store) == (None, None)


def test_latencies_are_merged_over_the_workers(store: BlockingStore) -> None:
    beat(store, "w1", latency=latencies(*[10.0] * 60))
    beat(store, "w2", latency=latencies(*[200.0] * 40))
    assert percentiles(store) == (near(10.0), near(200.0))


def test_a_beat_replaces_the_latencies_of_the_one_before(store: BlockingStore) -> None:
    beat(store, "w1", latency=latencies(10.0, 10.0))
    beat(store, "w1", latency=latencies(500.0))
    assert percentiles(store) == (near(500.0), near(500.0))


def test_latencies_of_lost_workers_do_not_count(backend: StoreFixture) -> None:
    beat(backend.store, "w1", latency=latencies(10.0))
    backend.advance(LEASE + 1)
    assert percentiles(backend.store) == (None, None)


# ---------------------------------------------------------------- totals


def test_a_worker_frozen_for_days_is_counted_once(backend: StoreFixture) -> None:
    beat(backend.store, "w1", pings=3, pongs=2, timeouts=1)
    beat(backend.store, "w2", pings=1)
    for _ in range(3):
        backend.advance(DAY)
        backend.store.sweep("sweeper")
        assert totals(backend.store) == (4, 2, 1)
    for pings in (4, 5):
        beat(backend.store, "w1", pings=pings, pongs=3, timeouts=1)
        assert totals(backend.store) == (pings + 1, 3, 1)
    backend.advance(2 * DAY)
    for _ in range(2):
        backend.store.sweep("sweeper")
    assert totals(backend.store) == (6, 3, 1)


def test_deliveries_are_counted_like_pings(backend: StoreFixture) -> None:
    def counted() -> Deliveries:
        return backend.store.stats().deliveries

    assert counted() == Deliveries()
    for _ in range(2):
        beat(backend.store, "w1", deliveries=Deliveries(1, 20, 3, 4))
        beat(backend.store, "w2", deliveries=Deliveries(delivered=5))
        assert counted() == Deliveries(1, 25, 3, 4)
    assert [w.deliveries.delivered for w in backend.store.workers()] == [20, 5]
    backend.advance(2 * DAY)
    for _ in range(2):
        backend.store.sweep("sweeper")
        assert counted() == Deliveries(1, 25, 3, 4)
    beat(backend.store, "w1", deliveries=Deliveries(2, 20, 3, 4))
    assert counted() == Deliveries(2, 25, 3, 4)
    backend.advance(32 * DAY)
    for _ in range(2):
        backend.store.sweep("sweeper")
    assert counted() == Deliveries(2, 25, 3, 4)


def test_totals_outlive_the_memory_of_their_worker(backend: StoreFixture) -> None:
    beat(backend.store, "w1", pings=3, pongs=2, timeouts=1)
    for days in (2, 30):
        backend.advance(days * DAY)
        for _ in range(2):
            backend.store.sweep("sweeper")
        assert totals(backend.store) == (3, 2, 1)


# ---------------------------------------------------------------- workers


def test_there_are_no_workers_at_first(store: BlockingStore) -> None:
    assert store.workers() == ()


def test_workers_returns_their_last_reports(store: BlockingStore) -> None:
    two = report("w2", connections=7, pings=3, pongs=2, timeouts=1, latency=latencies(5.0, 80.0))
    one = report("w1", connections=0)
    for each in (two, one):
        store.beat(each, [])
    assert store.workers() == (one, two)


def test_a_worker_without_a_lease_is_not_listed(backend: StoreFixture) -> None:
    beat(backend.store, "w1")
    beat(backend.store, "w2")
    backend.store.leave("w2")
    assert [worker.id for worker in backend.store.workers()] == ["w1"]
    backend.advance(LEASE + 1)
    assert backend.store.workers() == ()


# ---------------------------------------------------------------- samples


def test_no_samples_at_first(store: BlockingStore) -> None:
    assert store.samples() == ()


def test_a_sample_is_what_the_live_workers_report(backend: StoreFixture) -> None:
    open_many(backend.store, 3)
    backend.store.suspend("w1", [departure("s0000")])
    beat(backend.store, "w1", connections=2, latency=latencies(10.0, 10.0))
    beat(backend.store, "w2", connections=5, latency=latencies(300.0))
    before = backend.now()
    backend.store.sample()
    (sample,) = backend.store.samples()
    assert sample == StatsSample(sample.at, 7, 1, near(10.0), near(300.0))  # type: ignore[arg-type]
    assert sample.at % SAMPLE_EVERY_MS == 0
    assert before - SAMPLE_EVERY_MS < sample.at <= backend.now()


def test_each_bucket_gets_one_sample(backend: StoreFixture) -> None:
    backend.advance(BUCKET - backend.now() % SAMPLE_EVERY_MS / 1000)  # to the start of one
    beat(backend.store, "w1", connections=1)
    backend.store.sample()
    beat(backend.store, "w1", connections=2)
    backend.store.sample()
    assert [sample.connected for sample in backend.store.samples()] == [1]
    backend.advance(BUCKET)
    backend.store.sample()
    assert [sample.connected for sample in backend.store.samples()] == [1, 2]


def test_an_empty_registry_has_samples_too(store: BlockingStore) -> None:
    store.sample()
    (sample,) = store.samples()
    assert (sample.connected, sample.suspended, sample.latency_p50) == (0, 0, None)


def test_samples_come_oldest_first_and_only_the_newer_ones_when_asked(
    backend: StoreFixture,
) -> None:
    for _ in range(3):
        backend.store.sample()
        backend.advance(BUCKET)
    first, second, third = backend.store.samples()
    assert first.at < second.at < third.at
    assert backend.store.samples(after=first.at) == (second, third)
    assert backend.store.samples(after=third.at) == ()


def test_an_hour_is_kept(backend: StoreFixture) -> None:
    backend.store.sample()
    (old,) = backend.store.samples()
    backend.advance(HOUR)
    backend.store.sample()
    assert backend.store.samples()[0] == old
    backend.advance(3 * BUCKET)
    backend.store.sample()
    assert old not in backend.store.samples()
    assert len(backend.store.samples()) == 2


# ---------------------------------------------------------------- cursors


@pytest.mark.parametrize("order", list(Order))
def test_a_cursor_holds_no_session_id(store: BlockingStore, order: Order) -> None:
    whole = [f"{number:08}secret" for number in range(4)]
    for id_ in whole:
        store.open(opening(id_))
    found, cursor = [], ""
    while True:
        page = store.page(Query(order=order), limit=1, cursor=cursor)
        found += [session.id for session in page.sessions]
        cursor = page.cursor
        if not cursor:
            break
        assert found[-1][: ID_PREFIX_LEN + 1] not in cursor
    assert sorted(found) == whole


def test_a_probe_is_never_visible(store: BlockingStore) -> None:
    store.open(opening("s1"))
    before = (store.stats(), store.page(Query()).sessions, store.overdue())
    for _ in range(2):
        store.probe()
    assert (store.stats(), store.page(Query()).sessions, store.overdue()) == before


# ---------------------------------------------------------------- a clock that was set back


def test_samples_from_the_future_are_replaced(backend: StoreFixture) -> None:
    beat(backend.store, connections=4)
    backend.store.sample()
    backend.advance(-2 * HOUR)
    assert backend.store.samples() == ()
    beat(backend.store, connections=3)
    backend.store.sample()
    (sample,) = backend.store.samples()
    assert sample.connected == 3
    assert sample.at <= backend.now()
    backend.advance(2 * HOUR)
    assert backend.store.samples() == ()


def test_a_caller_that_saw_samples_of_the_future_gets_all(backend: StoreFixture) -> None:
    backend.store.sample()
    (seen,) = backend.store.samples()
    backend.advance(-2 * HOUR)
    backend.store.sample()
    assert len(backend.store.samples(after=seen.at)) == 1
    backend.advance(SAMPLE_EVERY_MS / 1000)
    backend.store.sample()
    assert len(backend.store.samples(after=seen.at)) == 2


def test_the_last_sweep_is_never_in_the_future(backend: StoreFixture) -> None:
    backend.store.note_sweep(SweepReport(1, 2, 3, 4, 0.5))
    backend.advance(-2 * HOUR)
    last = backend.store.stats().last_sweep
    assert last is not None
    assert last.at <= backend.now()
