"""The queue of publication batches: merged by room, in order, bounded."""

import threading
import time
from collections.abc import Iterable

import pytest

from realtime.bus import publication_batches
from realtime.bus.counters import QueueCounters
from realtime.bus.publication_batches import (
    MAX_BYTES,
    MAX_ENTRIES,
    PublicationBatch,
    PublicationQueue,
)
from realtime.store.log import LogEntry


def batch(room: str, *offsets: int, epoch: str = "e", size: int = 1) -> PublicationBatch:
    entries = tuple(LogEntry(offset, 0, "x" * size) for offset in offsets)
    return PublicationBatch(room, epoch, max(offsets), entries)


def take_all(queue: PublicationQueue) -> list[PublicationBatch]:
    return list(iter(queue.take, None))


def put_all(queue: PublicationQueue, batches: Iterable[PublicationBatch]) -> None:
    for each in batches:
        queue.put(each)


def test_publications_of_a_room_are_merged_in_order() -> None:
    queue = PublicationQueue(QueueCounters())
    put_all(queue, [batch("a", 1), batch("b", 1), batch("a", 2), batch("a", 3, 4)])
    assert take_all(queue) == [batch("a", 1, 2, 3, 4), batch("b", 1)]
    assert queue._counters.cut == 0


def test_a_new_epoch_replaces_the_batch() -> None:
    queue = PublicationQueue(QueueCounters())
    put_all(queue, [batch("a", 7), batch("a", 1, epoch="f")])
    assert take_all(queue) == [batch("a", 1, epoch="f")]


def test_a_batch_without_entries_only_raises_the_top() -> None:
    queue = PublicationQueue(QueueCounters())
    put_all(queue, [batch("a", 1), PublicationBatch("a", "e", 5), PublicationBatch("a", "e", 3)])
    (found,) = take_all(queue)
    assert (found.top, found.entries) == (5, batch("a", 1).entries)


def test_put_asks_to_wake_the_consumer_once_until_it_finds_nothing() -> None:
    queue = PublicationQueue(QueueCounters())
    assert [queue.put(batch("a", n)) for n in (1, 2)] == [True, False]
    queue.take()
    assert not queue.put(batch("a", 3))
    assert len(take_all(queue)) == 1
    assert queue.put(batch("a", 4))


@pytest.mark.parametrize(("count", "size"), [(MAX_ENTRIES + 1, 1), (9, MAX_BYTES // 8)])
def test_a_batch_that_gets_too_large_keeps_the_newest_entry(count: int, size: int) -> None:
    queue = PublicationQueue(QueueCounters())
    put_all(queue, [batch("a", n, size=size) for n in range(1, count + 1)])
    assert take_all(queue) == [batch("a", count, size=size)]
    assert queue._counters.cut == 1


def test_a_single_entry_may_exceed_the_bound() -> None:
    queue = PublicationQueue(QueueCounters())
    queue.put(batch("a", 1, size=MAX_BYTES + 1))
    assert take_all(queue) == [batch("a", 1, size=MAX_BYTES + 1)]


def test_beyond_the_bound_of_rooms_the_oldest_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publication_batches, "MAX_ROOMS", 3)
    queue = PublicationQueue(QueueCounters())
    put_all(queue, [batch(room, 1) for room in "abcde"])
    assert [each.room for each in take_all(queue)] == ["c", "d", "e"]
    assert queue._counters.cut == 2


def test_beyond_the_bound_of_bytes_the_oldest_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication_batches, "MAX_QUEUED_BYTES", 100)
    queue = PublicationQueue(QueueCounters())
    put_all(queue, [batch(room, 1, size=30) for room in "abcd"])
    put_all(queue, [batch("huge", 1, size=1000)])
    assert [each.room for each in take_all(queue)] == ["huge"]
    put_all(queue, [batch("a", 1, size=100)])
    assert len(take_all(queue)) == 1


def test_put_waits_for_room_until_the_timeout() -> None:
    queue = PublicationQueue(QueueCounters())
    put_all(queue, [batch("a", n) for n in range(1, MAX_ENTRIES + 1)])
    began = time.monotonic()
    queue.put(batch("b", 1), timeout=10.0)  # another room does not wait
    assert time.monotonic() - began < 5.0
    began = time.monotonic()
    queue.put(batch("a", MAX_ENTRIES + 1), timeout=0.05)
    assert time.monotonic() - began >= 0.05
    assert queue._counters == QueueCounters(waits=1, cut=1)


def test_take_wakes_a_waiting_put() -> None:
    queue = PublicationQueue(QueueCounters())
    put_all(queue, [batch("a", n) for n in range(1, MAX_ENTRIES + 1)])
    thread = threading.Thread(target=lambda: queue.put(batch("a", MAX_ENTRIES + 1), timeout=60.0))
    thread.start()
    taken = queue.take()
    thread.join(10.0)
    assert not thread.is_alive()
    assert taken == batch("a", *range(1, MAX_ENTRIES + 1))
    assert take_all(queue) == [batch("a", MAX_ENTRIES + 1)]


def test_concurrent_threads_lose_nothing() -> None:
    queue = PublicationQueue(QueueCounters())
    taken: dict[str, list[int]] = {}

    def publish(room: str) -> None:
        for offset in range(1, 2001):
            queue.put(batch(room, offset), timeout=60.0)

    threads = [threading.Thread(target=publish, args=(room,)) for room in "abcd"]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60.0
    while any(thread.is_alive() for thread in threads) or len(queue):
        assert time.monotonic() < deadline
        for each in take_all(queue):
            taken.setdefault(each.room, []).extend(entry.offset for entry in each.entries)
    assert taken == {room: list(range(1, 2001)) for room in "abcd"}
    assert queue._counters.cut == 0
