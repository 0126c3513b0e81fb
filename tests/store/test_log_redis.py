"""The message log on Redis: restarts, failovers, evictions, full memory, permissions."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from realtime.protocol.position import Position
from realtime.store.contract import StoreUnavailable
from realtime.store.log import KEY_KEPT_MS, MAX_BATCH, BlockingLog, LogEnd, PublishRequest
from realtime.store.redis import BlockingRedisStore, blocking_store
from tests.redis_server import RedisServer

from .store_fixtures import BOUNDS, DAY, PREFIX, RedisFixture, params
from .test_log import end_of, number, publish, read


@pytest.fixture
def backend(redis_server: RedisServer) -> Iterator[RedisFixture]:
    backend = RedisFixture(redis_server)
    yield backend
    backend.close()


def log_at(server: RedisServer) -> BlockingLog:
    return blocking_store(server.url, params()).log


def reconnect(log: BlockingLog) -> None:
    """Let the client find that its connection is broken, unless it knows already."""
    with suppress(StoreUnavailable):
        end_of(log)


# ---------------------------------------------------------------- evictions


def key_of(name: str, room: str = "r") -> str:
    return f"{{{PREFIX}}}:log:{room}/{name}"


def test_a_log_without_its_hash_begins_a_new_epoch(log: BlockingLog, backend: RedisFixture) -> None:
    before = publish(log, "1", "2")[-1].position
    assert backend.client.delete(key_of("meta")) == 1
    after = end_of(log)
    assert (after.top.offset, after.oldest, read(log, 0)) == (0, 1, [])
    assert after.top.epoch != before.epoch
    assert backend.client.exists(key_of("entries")) == 0


def test_a_log_without_its_entries_continues(log: BlockingLog, backend: RedisFixture) -> None:
    text = '"' + "x" * 998 + '"'
    before = publish(log, text)[0].position
    assert backend.client.delete(key_of("entries")) == 1
    assert end_of(log) == LogEnd(before, oldest=2)
    assert read(log, 0) == []
    assert publish(log, text, text)[-1].position == Position(before.epoch, 3)
    assert read(log, 1) == [2, 3]  # what was taken away is no longer counted


STAYING = {f"{{{PREFIX}}}:{name}" for name in ("history", "log:/base", "log:/marks")}


def names_in(backend: RedisFixture) -> set[str]:
    return {key.decode() for key in backend.client.scan_iter()}


def test_redis_expires_all_keys_of_a_log(log: BlockingLog, backend: RedisFixture) -> None:
    log.append([PublishRequest("r", "1", key="k"), PublishRequest("s", "1")])
    kept = {"entries": BOUNDS.ttl_ms, "key:k": KEY_KEPT_MS, "meta": BOUNDS.meta_ttl_ms}
    others = {key_of("meta", "s"), key_of("entries", "s")}
    assert names_in(backend) == STAYING | {key_of(name) for name in kept} | others
    for name, ttl_ms in kept.items():
        assert ttl_ms - 10_000 < backend.client.pttl(key_of(name)) <= ttl_ms
    backend.advance(4 * DAY)
    end_of(log)
    assert backend.client.pttl(key_of("meta")) > 6 * DAY * 1000
    assert backend.client.pttl(key_of("meta", "s")) < 4 * DAY * 1000
    backend.advance(8 * DAY)
    assert names_in(backend) == STAYING


# ---------------------------------------------------------------- rooms that cost nothing


def test_a_room_without_publications_leaves_nothing(
    log: BlockingLog, backend: RedisFixture
) -> None:
    end_of(log)
    before = names_in(backend)
    ends = log.ends([f"r{number}" for number in range(MAX_BATCH)])
    log.read("another", after=0, limit=10, max_bytes=100)
    assert names_in(backend) == before == STAYING - {f"{{{PREFIX}}}:log:/marks"}
    assert set(ends.values()) == {end_of(log)}


def test_the_base_outlives_the_logs_of_other_rooms(log: BlockingLog, backend: RedisFixture) -> None:
    before = end_of(log)
    for room in ("s", "t", "u"):
        publish(log, "1", room=room)
        backend.advance(8 * DAY)
        assert end_of(log) == before
    assert publish(log, "1")[0].position == Position(before.top.epoch, 1)


def test_a_second_log_begins_elsewhere_and_a_third_elsewhere_again(
    log: BlockingLog, backend: RedisFixture
) -> None:
    epochs = []
    for _ in range(3):
        epochs.append(publish(log, "1")[0].position.epoch)
        backend.client.delete(key_of("meta"))
    assert len(set(epochs)) == 3


@pytest.mark.parametrize("lost", ["log:/base", "log:/marks"])
def test_lost_marks_change_the_base(log: BlockingLog, backend: RedisFixture, lost: str) -> None:
    """As by an eviction."""
    before = publish(log, "1")[0].position
    assert publish(log, "1", room="s")[0].position == before
    backend.client.delete(key_of("meta"), f"{{{PREFIX}}}:{lost}")
    assert end_of(log).top.epoch != before.epoch
    assert end_of(log, "s").top == before
    assert publish(log, "1")[0].position.epoch != before.epoch


def test_the_marks_begin_anew_before_they_are_too_many(
    log: BlockingLog, backend: RedisFixture
) -> None:
    before = publish(log, "1")[0].position
    backend.client.hset(f"{{{PREFIX}}}:log:/base", "count", 250_000)
    assert end_of(log, "s").top.epoch != before.epoch
    assert end_of(log).top == before
    assert backend.client.exists(f"{{{PREFIX}}}:log:/marks") == 0
    epochs = {publish(log, "1", room=room)[0].position.epoch for room in ("s", "t")}
    assert len(epochs) == 1
    assert publish(log, "2")[0].position == Position(before.epoch, 2)


def test_few_rooms_share_their_marks_by_chance(log: BlockingLog, backend: RedisFixture) -> None:
    base = end_of(log).top.epoch
    for start in range(0, 20 * MAX_BATCH, MAX_BATCH):
        appended = log.append(
            [PublishRequest(f"r{n}", "1") for n in range(start, start + MAX_BATCH)]
        )
        assert {each.position.epoch for each in appended} == {base}
    assert backend.client.strlen(f"{{{PREFIX}}}:log:/marks") <= 2**19


# ---------------------------------------------------------------- memory


def test_a_full_redis_refuses_appends_and_serves_reads(
    log: BlockingLog, backend: RedisFixture
) -> None:
    first = log.append([PublishRequest("r", "1", key="k")])
    before = end_of(log)
    backend.client.config_set("maxmemory", "1mb")
    try:
        for requests in (
            [PublishRequest("r", "2")],
            [PublishRequest("r", "2", key="other"), PublishRequest("s", "3")],
        ):
            with pytest.raises(StoreUnavailable, match="maxmemory"):
                log.append(requests)
        assert log.append([PublishRequest("r", "1", key="k")]) == first
        assert (end_of(log), read(log, 0)) == (before, [1])
    finally:
        backend.client.config_set("maxmemory", "0")
    assert log.append([PublishRequest("r", "2", key="other")])[0].position.offset == 2


# ---------------------------------------------------------------- rights, prefixes, costs


@pytest.mark.parametrize("may_ask", [True, False], ids=["with INFO", "without"])
def test_a_user_of_redis_needs_info_for_the_log(backend: RedisFixture, may_ask: bool) -> None:
    """Without it the end of a log may be missing unnoticed."""
    backend.client.acl_setuser(
        "modest",
        enabled=True,
        nopass=True,
        reset=True,
        keys=["{tests}:*"],
        categories=["+@read", "+@write", "+@scripting", "+@connection"],
        commands=["+time", "+info"] if may_ask else ["+time"],
    )
    url = backend.server.url.replace("redis://", "redis://modest:any@")
    log = blocking_store(url, params()).log
    try:
        if may_ask:
            log.append([PublishRequest("r", "1", key="k")])
            assert read(log, 0) == [1]
        else:
            with pytest.raises(StoreUnavailable, match=r"can't run this command|permissions"):
                end_of(log)
    finally:
        backend.client.acl_deluser("modest")


def test_two_prefixes_are_two_logs(log: BlockingLog, backend: RedisFixture) -> None:
    other = BlockingRedisStore(backend.client, backend.operations, prefix="others").log
    publish(log, "1", "2")
    assert end_of(other).top.offset == 0
    publish(other, "1")
    assert (end_of(log).top.offset, end_of(other).top.offset) == (2, 1)


def test_scripts_that_redis_has_lost_are_sent_again(
    log: BlockingLog, backend: RedisFixture
) -> None:
    publish(log, "1")
    backend.client.script_flush()
    assert read(log, 0) == [1]


def test_a_look_writes_no_key_of_a_room(log: BlockingLog, backend: RedisFixture) -> None:
    """Not where a log has never been, and not where one has expired."""
    publish(log, "1", room="expired")
    backend.client.delete(key_of("meta", "expired"), key_of("entries", "expired"))
    log.ends(["new", "expired"], keep=False)
    assert not backend.client.keys(key_of("*", "new")) + backend.client.keys(key_of("*", "expired"))
    log.ends(["expired"])
    assert backend.client.keys(key_of("*", "expired"))


def test_a_call_is_one_command(log: BlockingLog, backend: RedisFixture) -> None:
    rooms = [f"r{each}" for each in range(MAX_BATCH)]
    publish(log, *number(BOUNDS.length))
    log.ends(rooms)
    backend.client.config_resetstat()
    log.ends(rooms)
    publish(log, "1")
    log.read("r", after=BOUNDS.length, limit=100, max_bytes=100)
    commands = backend.client.info("commandstats")
    assert commands["cmdstat_evalsha"]["calls"] == 3
    assert commands["cmdstat_info"]["calls"] == 3  # one for each call
    inside = sum(value["calls"] for name, value in commands.items() if name != "cmdstat_evalsha")
    assert inside < 3 * MAX_BATCH + 30
