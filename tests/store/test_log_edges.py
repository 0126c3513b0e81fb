"""The message log at its edges: smallest and largest bounds, the last moment before expiry, clocks
that are set back, rare texts."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.log import MAX_BATCH, BlockingLog, LogBounds, LogPage, PublishRequest

from .store_fixtures import BOUNDS, STORE_FIXTURES, TIMEOUTS, StoreFixture
from .test_log import TTL, end_of, number, publish, read

Make = Callable[[LogBounds], StoreFixture]

HOUR = 3600


@pytest.fixture(
    params=[
        pytest.param("database", marks=pytest.mark.django_db(transaction=True)),
        "postgresql",
        "redis",
    ]
)
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes a fresh store with these bounds."""
    ground, make = STORE_FIXTURES[request.param]
    on: Any = request.getfixturevalue(ground)
    backends: list[StoreFixture] = []

    def with_bounds(bounds: LogBounds) -> StoreFixture:
        backends.append(make(on, TIMEOUTS, bounds))
        return backends[-1]

    yield with_bounds
    for backend in backends:
        backend.close()


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    "bounds",
    [LogBounds(length=1), LogBounds(bytes=1), LogBounds(length=1, bytes=1)],
    ids=["entry", "byte", "of both"],
)
def test_the_smallest_bounds_keep_the_newest_entry(make: Make, bounds: LogBounds) -> None:
    log = make(bounds).store.log
    log.append([PublishRequest("x" * 100, text) for text in ("1", '"two"', "3")])
    publish(log, *number(60))
    publish(log, '"' + "x" * 65_534 + '"')
    assert [read(log, after) for after in (0, 59, 60, 61)] == [[], [], [61], []]
    assert (end_of(log).top.offset, end_of(log).oldest) == (61, 61)
    publish(log, "62")
    assert (read(log, 60), read(log, 61)) == ([], [62])
    assert read(log, 2, room="x" * 100) == [3]


def test_the_largest_bounds(make: Make) -> None:
    log = make(LogBounds(length=2**53, bytes=2**53, ttl_ms=2**45, meta_ttl_ms=2**46)).store.log
    publish(log, *number(MAX_BATCH))
    publish(log, *number(3))
    assert (end_of(log).oldest, read(log, MAX_BATCH)) == (
        1,
        [MAX_BATCH + 1, MAX_BATCH + 2, MAX_BATCH + 3],
    )


def test_bounds_that_were_lowered_hold_from_the_next_append_on(make: Make) -> None:
    narrow, wide = make(LogBounds(length=5)).store.log, make(LogBounds()).store.log
    publish(wide, *number(300))
    publish(narrow, "301")
    assert end_of(wide).oldest == 297
    assert read(wide, 296) == [297, 298, 299, 300, 301]


def test_a_concurrently_trimmed_log_is_never_read_in_part(make: Make) -> None:
    """The log is trimmed by number, bytes and time during reads and pruning: every read returns
    entries without holes, and an offset always has the same text."""
    backend = make(LogBounds(length=8, bytes=40, ttl_ms=3))
    writers, each = 2, 40

    def write(name: int) -> Callable[[BlockingStore], list[Any]]:
        requests = [PublishRequest("r", f'"{name} {n}"', key=f"{name} {n}") for n in range(each)]
        return lambda store: [
            (request.data, store.log.append([request])[0]) for request in requests
        ]

    def watch(store: BlockingStore) -> list[Any]:
        seen: list[tuple[int, LogPage]] = []
        while not seen or seen[-1][1].end.top.offset < writers * each:
            store.log.prune()
            after = max(0, seen[-1][1].end.top.offset - 2) if seen else 0
            seen.append((after, store.log.read("r", after=after, limit=10, max_bytes=100)))
            assert len(seen) < 100_000
        return seen

    one, two, seen = backend.at_once([write(1), write(2), watch])
    log = {appended.position.offset: data for data, appended in one + two}
    assert sorted(log) == list(range(1, writers * each + 1))
    assert len({appended.position.epoch for _, appended in one + two}) == 1
    for after, page in seen:
        offsets = [entry.offset for entry in page.entries]
        assert offsets == list(range(after + 1, after + 1 + len(offsets)))
        assert bool(offsets) == (page.end.oldest <= after + 1 <= page.end.top.offset)
        assert [entry.data for entry in page.entries] == [log[offset] for offset in offsets]


# ---------------------------------------------------------------- clocks


def test_a_clock_that_is_set_back_changes_no_order(make: Make) -> None:
    backend = make(BOUNDS)
    log = backend.store.log
    first = log.append([PublishRequest("r", "1", key="k"), PublishRequest("r", "2")])
    backend.advance(-HOUR)
    (third,) = publish(log, "3")
    assert third.time < first[0].time
    assert (third.position.offset, read(log, 0)) == (3, [1, 2, 3])
    assert log.append([PublishRequest("r", "1", key="k")])[0] == first[0]
    backend.advance(TTL + 5)  # after the last append, and by the clock of that
    assert (read(log, 2), end_of(log).oldest) == ([], 4)
    assert publish(log, "4")[0].position.offset == 4


def test_a_clock_from_the_future_does_not_hide_new_entries(make: Make) -> None:
    backend = make(BOUNDS)
    log = backend.store.log
    log.append([PublishRequest(f"r{n}", "1") for n in range(MAX_BATCH)])
    backend.advance(-HOUR)
    publish(log, "1", room="new")
    recent = log.recent()
    assert recent is None or list(recent) == ["new"]  # None where a channel layer notifies workers


# ---------------------------------------------------------------- texts


def test_rare_texts_come_back_as_they_were(log_of_each: BlockingLog) -> None:
    texts = [
        "\u2028\u2029",
        "😀👩‍👩‍👧",
        "\ufeff",
        "\uffff",
        "\x7f\x85",
        " \u00a0 ",
        "\\u0000",
        "\r\n\t",
    ]
    data = [json.dumps(text, ensure_ascii=False) for text in texts] + [json.dumps("\0")]
    publish(log_of_each, *data)
    entries = log_of_each.read("r", after=0, limit=100, max_bytes=10_000).entries
    assert [entry.data for entry in entries] == data
    requests = [PublishRequest("r", "1", key=text) for text in (*texts, "%s", "(1, 2)", "k ", "k")]
    first = log_of_each.append(requests)
    assert len({appended.position for appended in first}) == len(requests)
    assert log_of_each.append(requests) == first


@pytest.fixture
def log_of_each(make: Make) -> BlockingLog:
    return make(BOUNDS).store.log


def test_the_longest_names_and_keys_at_once(log_of_each: BlockingLog) -> None:
    """A full batch of them: all are found again."""
    rooms = [f"{n:x<100}" for n in range(MAX_BATCH)]
    requests = [PublishRequest(room, "1", key="😀" * 494 + room[:6]) for room in rooms]
    first = log_of_each.append(requests)
    assert {appended.position.offset for appended in first} == {1}
    again = log_of_each.append(requests)
    assert (again, [each.fresh for each in again]) == (first, [False] * MAX_BATCH)


def test_publications_of_the_largest_size(make: Make) -> None:
    log = make(LogBounds(bytes=4 * 65_536)).store.log
    large = '"' + "é" * 32_767 + '"'
    for _ in range(6):
        publish(log, large)
    assert end_of(log).oldest == 3
    page = log.read("r", after=2, limit=10, max_bytes=3 * 65_536)
    assert [entry.offset for entry in page.entries] == [3, 4, 5]
    assert {entry.data for entry in page.entries} == {large}
