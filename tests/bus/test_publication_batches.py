"""Publications that wait to be told: gathered by room, in order, bounded."""

import threading
import time
from collections.abc import Iterable

import pytest

from realtime.bus import publication_batches
from realtime.bus.publication_batches import (
    MAX_BYTES,
    MAX_ENTRIES,
    PublicationBatch,
    PublicationQueue,
)
from realtime.store.log import LogEntry


def bundle(room: str, *offsets: int, epoch: str = "e", size: int = 1) -> PublicationBatch:
    entries = tuple(LogEntry(offset, 0, "x" * size) for offset in offsets)
    return PublicationBatch(room, epoch, max(offsets), entries)


def rest(waiting: PublicationQueue) -> list[PublicationBatch]:
    return list(iter(waiting.take, None))


def put_all(waiting: PublicationQueue, given: Iterable[PublicationBatch]) -> None:
    for each in given:
        waiting.put(each)


def test_what_waits_is_gathered_by_room_in_order() -> None:
    waiting = PublicationQueue()
    put_all(waiting, [bundle("a", 1), bundle("b", 1), bundle("a", 2), bundle("a", 3, 4)])
    assert rest(waiting) == [bundle("a", 1, 2, 3, 4), bundle("b", 1)]
    assert waiting.lost == 0


def test_another_epoch_takes_the_place_of_the_one_before() -> None:
    waiting = PublicationQueue()
    put_all(waiting, [bundle("a", 7), bundle("a", 1, epoch="f")])
    assert rest(waiting) == [bundle("a", 1, epoch="f")]


def test_one_without_entries_moves_the_top_and_nothing_else() -> None:
    waiting = PublicationQueue()
    put_all(waiting, [bundle("a", 1), PublicationBatch("a", "e", 5), PublicationBatch("a", "e", 3)])
    (found,) = rest(waiting)
    assert (found.top, found.entries) == (5, bundle("a", 1).entries)


def test_the_taker_is_told_once_until_it_has_found_nothing() -> None:
    waiting = PublicationQueue()
    assert [waiting.put(bundle("a", n)) for n in (1, 2)] == [True, False]
    waiting.take()
    assert not waiting.put(bundle("a", 3))
    assert len(rest(waiting)) == 1
    assert waiting.put(bundle("a", 4))


@pytest.mark.parametrize(("count", "size"), [(MAX_ENTRIES + 1, 1), (9, MAX_BYTES // 8)])
def test_beyond_the_bounds_of_a_room_the_newest_is_kept(count: int, size: int) -> None:
    waiting = PublicationQueue()
    put_all(waiting, [bundle("a", n, size=size) for n in range(1, count + 1)])
    assert rest(waiting) == [bundle("a", count, size=size)]
    assert waiting.lost == 1


def test_one_that_is_too_large_by_itself_is_told_all_the_same() -> None:
    waiting = PublicationQueue()
    waiting.put(bundle("a", 1, size=MAX_BYTES + 1))
    assert rest(waiting) == [bundle("a", 1, size=MAX_BYTES + 1)]


def test_of_too_many_rooms_those_that_have_waited_longest_give_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publication_batches, "MAX_ROOMS", 3)
    waiting = PublicationQueue()
    put_all(waiting, [bundle(room, 1) for room in "abcde"])
    assert [each.room for each in rest(waiting)] == ["c", "d", "e"]
    assert waiting.lost == 2


def test_so_they_do_of_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication_batches, "MAX_QUEUED_BYTES", 100)
    waiting = PublicationQueue()
    put_all(waiting, [bundle(room, 1, size=30) for room in "abcd"])
    put_all(waiting, [bundle("huge", 1, size=1000)])
    assert [each.room for each in rest(waiting)] == ["huge"]
    put_all(waiting, [bundle("a", 1, size=100)])
    assert len(rest(waiting)) == 1


def test_a_thread_waits_for_room_but_only_for_a_moment() -> None:
    waiting = PublicationQueue()
    put_all(waiting, [bundle("a", n) for n in range(1, MAX_ENTRIES + 1)])
    began = time.monotonic()
    waiting.put(bundle("b", 1), timeout=10.0)  # another room has not to wait
    assert time.monotonic() - began < 5.0
    began = time.monotonic()
    waiting.put(bundle("a", MAX_ENTRIES + 1), timeout=0.05)
    assert time.monotonic() - began >= 0.05
    assert waiting.lost == 1


def test_whoever_waits_goes_on_when_something_was_taken() -> None:
    waiting = PublicationQueue()
    put_all(waiting, [bundle("a", n) for n in range(1, MAX_ENTRIES + 1)])
    thread = threading.Thread(
        target=lambda: waiting.put(bundle("a", MAX_ENTRIES + 1), timeout=60.0)
    )
    thread.start()
    taken = waiting.take()
    thread.join(10.0)
    assert not thread.is_alive()
    assert taken == bundle("a", *range(1, MAX_ENTRIES + 1))
    assert rest(waiting) == [bundle("a", MAX_ENTRIES + 1)]


def test_threads_lose_nothing_to_each_other() -> None:
    waiting = PublicationQueue()
    taken: dict[str, list[int]] = {}

    def publish(room: str) -> None:
        for offset in range(1, 2001):
            waiting.put(bundle(room, offset), timeout=60.0)

    threads = [threading.Thread(target=publish, args=(room,)) for room in "abcd"]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60.0
    while any(thread.is_alive() for thread in threads) or len(waiting):
        assert time.monotonic() < deadline
        for each in rest(waiting):
            taken.setdefault(each.room, []).extend(entry.offset for entry in each.entries)
    assert taken == {room: list(range(1, 2001)) for room in "abcd"}
    assert waiting.lost == 0
