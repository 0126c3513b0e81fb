"""The message log: offsets without holes, bounds, epochs, and repeated requests."""

from collections.abc import Callable

import pytest

from realtime.composition import store_params
from realtime.conf import Settings
from realtime.protocol.position import Position
from realtime.store.contract import BlockingStore
from realtime.store.log import (
    KEY_KEPT_MS,
    MAX_BATCH,
    BlockingLog,
    LogBounds,
    LogEnd,
    LogEntry,
    PublishRequest,
    PublishResult,
)
from realtime.store.ownership import Owner

from .store_fixtures import BOUNDS, StoreFixture

TTL = BOUNDS.ttl_ms / 1000  # seconds


def publish(log: BlockingLog, *data: str, room: str = "r") -> tuple[PublishResult, ...]:
    return log.append([PublishRequest(room, each) for each in data])


def number(count: int, first: int = 1) -> list[str]:
    return [str(each) for each in range(first, first + count)]


def read(log: BlockingLog, after: int, *, room: str = "r", limit: int = 100) -> list[int]:
    """The offsets of the entries that follow."""
    page = log.read(room, after=after, limit=limit, max_bytes=10**6)
    return [entry.offset for entry in page.entries]


def end_of(log: BlockingLog, room: str = "r") -> LogEnd:
    return log.ends([room])[room]


# ---------------------------------------------------------------- appending


def test_offsets_begin_at_one_and_have_no_holes(log: BlockingLog) -> None:
    appended = publish(log, "1", "2") + publish(log, "3")
    assert [each.position.offset for each in appended] == [1, 2, 3]
    assert len({each.position.epoch for each in appended}) == 1
    assert end_of(log) == LogEnd(appended[-1].position, oldest=1)


def test_appended_entries_are_read(log: BlockingLog, backend: StoreFixture) -> None:
    before = backend.now()
    texts = ['{"a":1}', '"ä\u20ac😀"', " 1 2 ", '"' + "x" * 500 + '"']
    appended = publish(log, *texts)
    page = log.read("r", after=0, limit=10, max_bytes=10_000)
    assert page.end == end_of(log)
    assert page.entries == tuple(
        LogEntry(each.position.offset, each.time, text)
        for each, text in zip(appended, texts, strict=True)
    )
    assert all(before <= each.time <= backend.now() for each in appended)


def test_rooms_have_separate_logs(log: BlockingLog) -> None:
    requests = [PublishRequest(room, "1") for room in ("b", "a", "b", "user:7", "a", "b")]
    assert [each.position.offset for each in log.append(requests)] == [1, 1, 2, 1, 2, 3]
    assert {room: end.top.offset for room, end in log.ends(["a", "b", "c"]).items()} == {
        "a": 2,
        "b": 3,
        "c": 0,
    }


def test_room_names_are_literal(log: BlockingLog) -> None:
    """No character is a pattern, and case matters."""
    rooms = ["a", "A", "a:log", "a:meta", "a.b", "a_b", "x" * 100]
    log.append([PublishRequest(room, "1") for room in rooms])
    log.append([PublishRequest("a", "2")])
    ends = log.ends(rooms)
    assert [ends[room].top.offset for room in rooms] == [2] + [1] * 6


def test_many_rooms_at_once(log: BlockingLog) -> None:
    rooms = [f"r{each}" for each in range(MAX_BATCH)]
    before = log.ends(rooms)
    assert len(before) == MAX_BATCH
    appended = log.append([PublishRequest(room, "1") for room in reversed(rooms)])
    after = log.ends(rooms)
    assert [each.position for each in reversed(appended)] == [after[room].top for room in rooms]
    assert all(after[room].top == Position(before[room].top.epoch, 1) for room in rooms)


def test_a_large_publication(log: BlockingLog) -> None:
    """Larger than the bounds of a log, and the newest: it stays."""
    publish(log, *number(3))
    large = '"' + "é" * 32_767 + '"'
    assert len(large.encode()) == 65_536
    publish(log, large)
    page = log.read("r", after=3, limit=10, max_bytes=1)
    assert ([entry.data for entry in page.entries], page.end.oldest) == ([large], 4)
    publish(log, "5")
    assert read(log, 4) == [5]
    assert end_of(log).oldest == 5


# ---------------------------------------------------------------- repeats


def test_a_key_means_the_same_publication(log: BlockingLog) -> None:
    first = log.append([PublishRequest("r", "1", key="k")])
    publish(log, "2")
    assert log.append([PublishRequest("r", "another", key="k")]) == first
    assert read(log, 0) == [1, 2]


def test_a_repeated_request_is_not_fresh(log: BlockingLog) -> None:
    """The entry in the log may hold other data than the request."""
    requests = [
        PublishRequest("r", "1"),
        PublishRequest("r", "2", key="k"),
        PublishRequest("r", "3", key="k"),
    ]
    assert [each.fresh for each in log.append(requests)] == [True, True, False]
    assert [each.fresh for each in log.append(requests)] == [True, False, False]


def test_a_key_belongs_to_its_room(log: BlockingLog) -> None:
    requests = [
        PublishRequest("a", "1", key="k"),
        PublishRequest("b", "1", key="k"),
        PublishRequest("a", "1", key="K"),
    ]
    first = log.append(requests)
    assert [each.position.offset for each in first] == [1, 1, 2]
    assert log.append(requests) == first


def test_a_key_that_comes_twice_in_one_call(log: BlockingLog) -> None:
    one, other, again = log.append(
        [
            PublishRequest("r", "1", key="k"),
            PublishRequest("r", "2"),
            PublishRequest("r", "1", key="k"),
        ]
    )
    assert (one.position.offset, other.position.offset) == (1, 2)
    assert again == one


def test_a_call_may_repeat_some_requests(log: BlockingLog) -> None:
    (first,) = log.append([PublishRequest("r", "1", key="one")])
    both = log.append([PublishRequest("r", "2", key="two"), PublishRequest("r", "1", key="one")])
    assert [each.position.offset for each in both] == [2, 1]
    assert both[1] == first


def test_requests_without_a_key_are_always_new(log: BlockingLog) -> None:
    assert publish(log, "1") != publish(log, "1")
    assert read(log, 0) == [1, 2]


def test_a_key_is_forgotten_in_time(log: BlockingLog, backend: StoreFixture) -> None:
    first = log.append([PublishRequest("r", "1", key="k")])
    backend.advance(KEY_KEPT_MS / 1000 - 5)
    assert log.append([PublishRequest("r", "1", key="k")]) == first
    backend.advance(10)
    (second,) = log.append([PublishRequest("r", "1", key="k")])
    assert second.position == Position(first[0].position.epoch, 2)
    assert log.append([PublishRequest("r", "1", key="k")]) == (second,)


@pytest.mark.parametrize("key", ["a:" + "ä" * 200, "c:7:" + "x" * 64, "{x} y:z\n", "'; --"])
def test_any_text_is_a_key(log: BlockingLog, key: str) -> None:
    assert log.append([PublishRequest("r", "1", key=key)]) == log.append(
        [PublishRequest("r", "1", key=key)]
    )


# ---------------------------------------------------------------- at once


def test_appends_at_once_are_put_one_after_another(backend: StoreFixture) -> None:
    def work(name: int) -> Callable[[BlockingStore], list[PublishResult]]:
        requests = [PublishRequest("r", f"{name}{each}") for each in range(5)]
        return lambda store: [store.log.append([request])[0] for request in requests]

    appended = [
        each for own in backend.at_once([work(name) for name in range(1, 5)]) for each in own
    ]
    assert sorted(each.position.offset for each in appended) == list(range(1, 21))
    assert len({each.position.epoch for each in appended}) == 1
    assert read(backend.store.log, 0) == list(range(1, 21))


def test_one_key_at_once_is_one_publication(backend: StoreFixture) -> None:
    request = PublishRequest("r", "1", key="k")
    answers = backend.at_once([lambda store: store.log.append([request])] * 4)
    assert answers == [answers[0]] * 4
    assert sum(answer[0].fresh for answer in answers) == 1
    assert read(backend.store.log, 0) == [1]


def test_concurrent_readers_of_a_new_room_get_one_epoch(backend: StoreFixture) -> None:
    rooms = ["a", "b", "c"]
    ends = backend.at_once([lambda store: store.log.ends(rooms)] * 4)
    assert ends == [ends[0]] * 4


# ---------------------------------------------------------------- bounds


def test_a_log_keeps_so_many_entries(log: BlockingLog) -> None:
    publish(log, *number(BOUNDS.length))
    assert end_of(log).oldest == 1
    publish(log, "x")
    assert end_of(log) == LogEnd(Position(end_of(log).top.epoch, BOUNDS.length + 1), oldest=2)
    assert read(log, 0) == []
    assert read(log, 1) == list(range(2, BOUNDS.length + 2))


def test_a_call_with_more_than_a_log_keeps(log: BlockingLog) -> None:
    appended = publish(log, *number(200))
    assert [each.position.offset for each in appended] == list(range(1, 201))
    assert end_of(log).oldest == 200 - BOUNDS.length + 1
    assert read(log, 195) == [196, 197, 198, 199, 200]


def test_a_log_keeps_so_many_bytes(log: BlockingLog) -> None:
    """Bytes, not characters."""
    text = '"' + "é" * 249 + '"'  # 500 bytes
    publish(log, *[text] * 4)
    assert end_of(log).oldest == 1
    publish(log, "1")
    assert end_of(log).oldest == 2
    publish(log, *[text] * 2)
    assert end_of(log).oldest == 4
    assert read(log, 3) == [4, 5, 6, 7]


def test_a_log_keeps_its_entries_for_the_ttl_after_the_last(
    log: BlockingLog, backend: StoreFixture
) -> None:
    (first,) = publish(log, "1")
    backend.advance(TTL - 5)
    publish(log, "2")
    backend.advance(TTL - 5)
    assert read(log, 0) == [1, 2]
    backend.advance(10)
    page = log.read("r", after=0, limit=10, max_bytes=100)
    assert (page.end, page.entries) == (LogEnd(Position(first.position.epoch, 2), 3), ())
    assert end_of(log) == page.end


def test_a_log_continues_after_its_entries_expired(log: BlockingLog, backend: StoreFixture) -> None:
    text = '"' + "x" * 998 + '"'
    (first,) = publish(log, text)
    backend.advance(TTL + 5)
    publish(log, text, text)
    assert end_of(log) == LogEnd(Position(first.position.epoch, 3), oldest=2)
    assert (read(log, 0), read(log, 1)) == ([], [2, 3])


def test_pruning_changes_no_kept_entry(log: BlockingLog, backend: StoreFixture) -> None:
    first = log.append([PublishRequest("r", "1", key="k"), PublishRequest("r", "2")])
    log.prune()
    assert read(log, 0) == [1, 2]
    backend.advance(TTL - 10)
    log.prune()
    assert (read(log, 0), log.append([PublishRequest("r", "1", key="k")])[0]) == ([1, 2], first[0])
    backend.advance(20)
    before = end_of(log)
    log.prune()
    assert (end_of(log), log.prune()) == (before, 0)
    assert publish(log, "3")[0].position == Position(before.top.epoch, 3)


# ---------------------------------------------------------------- mistakes


def test_empty_calls_return_empty_results(log: BlockingLog) -> None:
    assert (log.append([]), dict(log.ends([]))) == ((), {})


def test_ends_of_the_same_room_twice(log: BlockingLog) -> None:
    assert list(log.ends(["r", "r"])) == ["r"]


def test_more_than_a_batch_is_a_value_error(log: BlockingLog) -> None:
    for call in (
        lambda: publish(log, *["1"] * (MAX_BATCH + 1)),
        lambda: log.ends([f"r{each}" for each in range(MAX_BATCH + 1)]),
        lambda: log.read("r", after=0, limit=MAX_BATCH + 1, max_bytes=1),
        lambda: log.read("r", after=0, limit=0, max_bytes=1),
        lambda: log.read("r", after=0, limit=1, max_bytes=0),
        lambda: log.read("r", after=-1, limit=1, max_bytes=1),
        lambda: log.append([PublishRequest("r", "1", key="x" * 501)]),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()


@pytest.mark.parametrize("room", ["", "x" * 101, "a b", "a}", "ä", "a\n"])
def test_an_invalid_room_is_a_value_error(log: BlockingLog, room: str) -> None:
    for call in (
        lambda: log.append([PublishRequest("r", "1"), PublishRequest(room, "1")]),
        lambda: log.ends([room]),
        lambda: log.read(room, after=0, limit=1, max_bytes=1),
    ):
        with pytest.raises(ValueError, match="expected a room"):
            call()
    assert end_of(log).top.offset == 0


@pytest.mark.parametrize("text", ["\0", "\ud800"], ids=["NUL", "half a pair"])
def test_an_invalid_text_is_a_value_error(log: BlockingLog, text: str) -> None:
    for request in (PublishRequest("r", text), PublishRequest("r", "1", key=text)):
        with pytest.raises(ValueError, match=r"NUL|surrogate"):
            log.append([request])
    assert end_of(log).top.offset == 0


def test_the_default_bounds_are_those_of_the_settings() -> None:
    assert store_params(Settings(), Owner(())).bounds == LogBounds()
