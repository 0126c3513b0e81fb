"""The message log: epochs, reads, and recent logs."""

from realtime.protocol.position import Gap, Position, gap_after
from realtime.store.log import (
    BlockingLog,
    LogEnd,
    PublishRequest,
)

from .store_fixtures import BOUNDS, DAY, StoreFixture
from .test_log import TTL, end_of, number, publish, read

# ---------------------------------------------------------------- epochs


def test_a_room_without_publications_has_an_epoch(log: BlockingLog) -> None:
    end = end_of(log)
    assert (end.top.offset, end.oldest) == (0, 1)
    assert end.top.epoch
    assert end_of(log) == end == log.read("r", after=0, limit=1, max_bytes=1).end
    assert publish(log, "1")[0].position == Position(end.top.epoch, 1)


def test_a_first_read_begins_the_log_too(log: BlockingLog) -> None:
    page = log.read("r", after=0, limit=10, max_bytes=100)
    assert (page.end.top.offset, page.end.oldest, page.entries) == (0, 1, ())
    assert publish(log, "1")[0].position == Position(page.end.top.epoch, 1)


def test_an_emptied_store_begins_a_new_epoch(log: BlockingLog, backend: StoreFixture) -> None:
    (before,) = publish(log, "1")
    backend.empty()
    end = end_of(log)
    assert (end.top.offset, end.oldest) == (0, 1)
    assert end.top.epoch != before.position.epoch
    assert read(log, 0) == []


def test_a_quiet_room_keeps_its_epoch_while_it_is_read(
    log: BlockingLog, backend: StoreFixture
) -> None:
    publish(log, "1")
    backend.advance(TTL + 5)
    first = end_of(log)
    for _ in range(4):
        backend.advance(5 * DAY)
        log.prune()
        assert end_of(log) == first
    assert publish(log, "2")[0].position == Position(first.top.epoch, 2)


def test_a_room_that_is_not_read_expires(log: BlockingLog, backend: StoreFixture) -> None:
    (before,) = publish(log, "1")
    backend.advance(7 * DAY - 60)
    log.prune()
    backend.advance(120)
    while log.prune():
        pass
    after = end_of(log)
    assert (after.top.offset, after.oldest) == (0, 1)
    assert after.top.epoch != before.position.epoch


def look(log: BlockingLog, room: str = "r") -> LogEnd:
    """Where a log ends, read without keeping it."""
    return log.ends([room], keep=False)[room]


def test_a_look_sees_the_same_end(log: BlockingLog) -> None:
    assert look(log) == end_of(log) == look(log)
    (first,) = publish(log, "1")
    assert look(log) == end_of(log) == LogEnd(first.position, oldest=1)


def test_a_look_does_not_keep_a_quiet_log(log: BlockingLog, backend: StoreFixture) -> None:
    (before,) = publish(log, "1")
    for _ in range(2):
        backend.advance(3 * DAY)
        assert look(log).top == before.position
    backend.advance(DAY + 60)
    while log.prune():
        pass
    assert end_of(log).top.epoch != before.position.epoch


def test_after_a_look_at_an_expired_log_no_position_of_it_is_believed(
    log: BlockingLog, backend: StoreFixture
) -> None:
    (before,) = publish(log, "1")
    backend.advance(8 * DAY)
    while log.prune():
        pass
    seen = look(log)
    assert (seen.top.offset, seen.oldest) == (0, 1)
    assert seen.top.epoch != before.position.epoch
    (after,) = publish(log, "2")
    assert after.position.offset == 1
    gaps = [gap_after(each, top=after.position, oldest=1) for each in (before.position, seen.top)]
    assert gaps[0] is Gap.EPOCH_CHANGED
    assert gaps[1] in (None, Gap.EPOCH_CHANGED)


def test_a_key_outlives_an_epoch(log: BlockingLog, backend: StoreFixture) -> None:
    first = log.append([PublishRequest("r", "1", key="k")])
    backend.begin_anew("r")
    second = end_of(log).top
    assert second.epoch != first[0].position.epoch
    assert log.append([PublishRequest("r", "1", key="k")]) == first
    assert end_of(log).top == second


# ---------------------------------------------------------------- reading


def test_a_read_returns_at_most_its_limit(log: BlockingLog) -> None:
    publish(log, *number(12))
    assert read(log, 4, limit=3) == [5, 6, 7]
    assert read(log, 10, limit=3) == [11, 12]
    assert read(log, 0, limit=500) == list(range(1, 13))


def test_a_read_returns_at_most_max_bytes_but_one_entry(log: BlockingLog) -> None:
    publish(log, '"é"', '"12345"', "1", "2")  # 4, 7, 1 and 1 bytes

    def within(max_bytes: int, after: int = 0) -> list[int]:
        found = log.read("r", after=after, limit=10, max_bytes=max_bytes)
        return [entry.offset for entry in found.entries]

    assert [within(n) for n in (1, 4, 10, 11, 12, 13)] == [
        [1], [1], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4],
    ]  # fmt: skip
    assert within(1, after=1) == [2]
    assert within(1, after=3) == [4]


def test_a_read_at_the_end_is_empty(log: BlockingLog) -> None:
    publish(log, "1", "2")
    page = log.read("r", after=2, limit=10, max_bytes=100)
    assert (page.end, page.entries) == (end_of(log), ())


def test_a_read_beyond_the_end_is_empty(log: BlockingLog) -> None:
    publish(log, "1", "2")
    assert [read(log, after) for after in (3, 1000, 2**53)] == [[], [], []]
    assert end_of(log).top.offset == 2


def test_a_read_is_empty_if_its_first_entry_was_dropped(log: BlockingLog) -> None:
    publish(log, *number(BOUNDS.length + 5))
    assert [bool(read(log, after)) for after in range(8)] == [False] * 5 + [True] * 3


# ---------------------------------------------------------------- what happened of late


def test_recent_lists_the_logs_appended_to_lately(log: BlockingLog, backend: StoreFixture) -> None:
    publish(log, "1", room="a")
    backend.advance(8)
    publish(log, "1", "2", room="b")
    end_of(log, "c")
    recent = log.recent()
    if recent is None:  # its workers are notified through a channel layer
        return
    assert recent == log.ends(["b", "a"])
    assert list(recent) == ["b", "a"]
    backend.advance(4)
    recent = log.recent()
    assert recent is not None
    assert list(recent) == ["b"]
