"""What is Redis's own: keys that come and go, steps, scripts, clients, processes."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.records import Order, Query, SessionState, SessionUpdate, SweepReport
from realtime.store.redis import RedisSessions, blocking_store
from realtime.store.redis.client import blocking_client
from realtime.store.redis.operations import Operations
from realtime.store.redis.scripts import ScriptCalls
from tests.redis_server import RedisServer

from .builders import beat, departure, ids, open_many, opening, pulse, returning
from .kinds import DAY, LEASE, RESUME, SILENCE, WINDOWS, RedisFixture
from .test_queries import leaf_through


@pytest.fixture
def kind(redis_server: RedisServer) -> Iterator[RedisFixture]:
    kind = RedisFixture(redis_server)
    yield kind
    kind.close()


@pytest.fixture
def store(kind: RedisFixture) -> BlockingStore:
    return kind.store


# ---------------------------------------------------------------- keys


def keys(kind: RedisFixture) -> list[str]:
    # A scan may name a key twice.
    return sorted({key.decode() for key in kind.client.scan_iter()})


def end_all(kind: RedisFixture) -> None:
    """Sweep until nothing is due, and confirm."""
    while claimed := kind.store.sweep("sweeper").claimed:
        kind.store.confirm(ids(claimed))


def expire(kind: RedisFixture, sessions: list[str]) -> None:
    kind.store.suspend("w1", [departure(id_) for id_ in sessions])


def say_bye(kind: RedisFixture, sessions: list[str]) -> None:
    kind.store.close("w1", [departure(id_) for id_ in sessions], "w1")
    kind.store.confirm(sessions)


def be_asked(kind: RedisFixture, sessions: list[str]) -> None:
    for id_ in sessions:
        kind.store.request_close(session=id_, code=4500, reason="")
    expire(kind, sessions[::2])


def move_on(kind: RedisFixture, sessions: list[str]) -> None:
    beat(kind.store, "w1", *[pulse(id_, missed=2, rooms=("another", "one")) for id_ in sessions])
    new = {"address": "elsewhere", "login": "new", "rooms": ("all", "one")}
    for id_ in sessions:
        kind.store.resume(returning(id_, user=user_of(id_), **new))


def be_forgotten(kind: RedisFixture, sessions: list[str]) -> None:
    beat(kind.store, "w1", *[pulse(id_, missed=1) for id_ in sessions])


def user_of(session: str) -> str:
    return str(int(session[1:]) % 100)


def test_nothing_is_left_of_those_who_have_gone(kind: RedisFixture) -> None:
    def rest() -> list[str]:
        beat(kind.store, "w9", connections=0)
        kind.store.sample()
        kind.store.note_sweep(SweepReport(0, 0, 0, 0, 1.0))
        return keys(kind)

    before = rest()
    known = [f"s{number:04}" for number in range(2000)]
    for id_ in known:
        mine = (f"chat:{id_[-2:]}", f"user:{user_of(id_)}")
        rooms: tuple[str, ...] = ("all", *mine) if int(id_[1:]) % 3 else ()
        kind.store.open(opening(id_, user=user_of(id_), login=f"l{user_of(id_)}", rooms=rooms))
    for number, ending in enumerate([expire, say_bye, be_asked, move_on, be_forgotten]):
        ending(kind, known[number::5])
    assert len(keys(kind)) > 2000
    assert len(kind.store.leave("w2")) == 400
    kind.turn(LEASE + 1)
    beat(kind.store, "w9")
    for seconds in (SILENCE, RESUME, 30 * DAY):
        kind.turn(seconds + 1)
        end_all(kind)
    assert rest() == before
    assert kind.store.stats().connected == kind.store.stats().users == 0


def test_all_keys_begin_with_the_prefix_and_share_a_slot(kind: RedisFixture) -> None:
    kind.store.open(opening(login="l1"))
    beat(kind.store, "w1", pulse())
    assert {key.partition(":")[0] for key in keys(kind)} == {"{tests}"}


def test_two_prefixes_are_two_registries(kind: RedisFixture) -> None:
    other = RedisSessions(kind.client, kind.talks, prefix="others")
    kind.store.open(opening("s1"))
    other.open(opening("s2"))
    assert (ids(kind.store.of_user("7")), ids(other.of_user("7"))) == (["s1"], ["s2"])


def test_a_session_stays_in_the_compact_form(kind: RedisFixture) -> None:
    """A hash with a longer value than 64 bytes takes three times the memory."""
    text = "x" * 64
    named = {"token": text, "login": text, "agent": text * 4, "connection": "c" * 16}
    kind.store.open(opening(text[:32], **named, rooms=(f"user:{text}", text)))
    beat(kind.store, "w1", pulse(text[:32], latency_ms=12345.67))
    # Redis 6 calls it by its older name.
    encoding = kind.client.object("encoding", f"{{tests}}:session:{text[:32]}")
    assert encoding in (b"listpack", b"ziplist")


def test_who_is_in_no_room_costs_no_more_than_ever(kind: RedisFixture) -> None:
    """And nobody costs more whose rooms have not changed."""

    def commands(*pulses: SessionUpdate) -> int:
        kind.client.config_resetstat()
        beat(kind.store, "w1", *pulses)
        stats = kind.client.info("commandstats")
        return sum(stat["calls"] for name, stat in stats.items() if name != "cmdstat_config")

    open_many(kind.store, 20)
    assert not [name for name in keys(kind) if "room" in name or "present" in name]
    beat(kind.store, "w1")
    alone = commands(*[pulse(f"s{number:04}") for number in range(20)])
    all_ = open_many(kind.store, 20, worker="w1", user="8", rooms=("news",))
    for id_ in all_:
        kind.store.resume(returning(id_, worker="w1", rooms=("news", "user:7")))
    assert kind.store.attendance("news").sessions == 20
    assert commands(*[pulse(id_, generation=2) for id_ in all_]) == alone


# ---------------------------------------------------------------- steps


@pytest.fixture
def small(kind: RedisFixture) -> BlockingStore:
    """The same registry, in steps of three entries."""
    calls = ScriptCalls(WINDOWS, batch=3)
    calls.clock_offset = kind.calls.clock_offset
    return RedisSessions(kind.client, Operations(calls), prefix="tests")


@pytest.fixture
def crowd(kind: RedisFixture) -> None:
    """Sessions of three users at two addresses, some suspended or lost, some beating at once."""
    for number in range(40):
        worker = f"w{number % 2}"
        address = f"10.0.0.{number % 3}"
        kind.store.open(
            opening(
                f"s{number:02}",
                user=str(number % 4),
                worker=worker,
                address=address,
                rooms=("all", "third") if number % 3 == 0 else ("all",),
            )
        )
        if number % 5 == 0:
            kind.turn(0.5)
    beat(kind.store, "w1", *[pulse(f"s{number:02}") for number in range(9, 30, 2)])
    kind.store.suspend("w0", [departure(f"s{number:02}") for number in range(0, 30, 6)])
    kind.turn(LEASE + 1)
    kind.store.sweep("sweeper", limit=4)


QUERIES: list[dict[str, Any]] = [
    {},
    {"user": "1"},
    {"address": "10.0.0.2"},
    {"worker": "w1"},
    {"room": "all"},
    {"room": "third", "worker": "w1"},
    {"prefix": "s1"},
    {"state": SessionState.SUSPENDED},
    {"state": SessionState.CONNECTED},
    {"user": "2", "address": "10.0.0.1"},
    {"user": "2", "state": SessionState.CONNECTED, "worker": "w0", "prefix": "s"},
    {"user": "nobody"},
]


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_pages_in_steps_are_those_in_one(
    store: BlockingStore, small: BlockingStore, query: dict[str, Any], order: Order
) -> None:
    whole = leaf_through(store, Query(**query, order=order), 100)
    for limit in (1, 2, 7, 50):
        assert leaf_through(small, Query(**query, order=order), limit) == whole
    first = small.page(Query(**query, order=order), limit=5)
    assert first == store.page(Query(**query, order=order), limit=5)


@pytest.mark.usefixtures("crowd")
def test_answers_in_steps_are_those_in_one(store: BlockingStore, small: BlockingStore) -> None:
    assert small.of_user("1") == store.of_user("1")
    assert small.overdue() == store.overdue()
    asked = small.request_close(user="2", code=4500, reason="go")
    assert asked == store.request_close(user="2", code=4500, reason="go")
    assert len(small.leave("w1")) > 3
    assert small.leave("w1") == store.leave("w1")


def test_silent_sessions_are_counted_in_steps(kind: RedisFixture) -> None:
    open_many(kind.store, 10)
    kind.turn(SILENCE + 1)
    kind.store.request_close(session="s0003", code=4500, reason="")
    kind.store.open(opening("late"))
    calls = ScriptCalls(WINDOWS, batch=3, clock_offset=kind.calls.clock_offset)
    small = RedisSessions(kind.client, Operations(calls), prefix="tests")
    assert small.overdue() == kind.store.overdue()
    assert (small.overdue().suspend, small.overdue().close) == (10, 1)


# ---------------------------------------------------------------- scripts


def test_scripts_that_redis_has_forgotten_are_sent_again(kind: RedisFixture) -> None:
    kind.store.open(opening())
    kind.client.script_flush()
    assert ids(kind.store.of_user("7")) == ["s1"]


def test_a_beat_is_one_command(kind: RedisFixture) -> None:
    known = open_many(kind.store, 50)
    pulses = [pulse(id_) for id_ in known]
    beat(kind.store, "w1", *pulses)
    kind.client.config_resetstat()
    beat(kind.store, "w1", *pulses)
    beat(kind.store, "w1", *pulses)
    commands = kind.client.info("commandstats")
    assert commands["cmdstat_evalsha"]["calls"] == 2
    # Of those inside the script, two for each pulse and a few for the worker.
    inside = sum(value["calls"] for name, value in commands.items() if name != "cmdstat_evalsha")
    assert inside < 2 * (2 * 50 + 25)


@pytest.mark.parametrize("may_ask", [True, False], ids=["with INFO", "without"])
def test_a_user_of_redis_with_few_rights_is_enough(kind: RedisFixture, may_ask: bool) -> None:
    rights = ["+@read", "+@write", "+@scripting", "+@connection"]
    also = ["+time", "+info"] if may_ask else ["+time"]
    rest: dict[str, Any] = {"keys": ["{tests}:*"], "categories": rights, "commands": also}
    kind.client.acl_setuser("modest", enabled=True, nopass=True, reset=True, **rest)
    url = kind.server.url.replace("redis://", "redis://modest:any@")
    modest = blocking_store(url, WINDOWS, prefix="tests", timeout=5.0)
    modest.open(opening())
    assert beat(modest).incarnation == beat(modest, "w1", pulse()).incarnation != ""
    assert modest.stats().connected == 1
    assert ids(modest.leave("w1")) == ["s1"]
    kind.client.acl_deluser("modest")


# ---------------------------------------------------------------- clients


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with RedisServer("--unixsocket", str(path)):
        store = blocking_store(f"unix://{path}", WINDOWS, prefix="tests", timeout=5.0)
        store.open(opening())
        assert ids(store.of_user("7")) == ["s1"]


def test_valkey_is_spoken_to_like_redis(kind: RedisFixture) -> None:
    kind.store.open(opening())
    client = blocking_client(kind.server.url.replace("redis", "valkey"), timeout=5.0)
    other = RedisSessions(client, kind.talks, prefix="tests")
    assert ids(other.of_user("7")) == ["s1"]
    client.close()


def test_what_a_url_says_does_not_loosen_the_client(kind: RedisFixture) -> None:
    url = f"{kind.server.url}?decode_responses=yes&retry_on_timeout=yes&max_connections=1000"
    client = blocking_client(url, timeout=5.0)
    RedisSessions(client, kind.talks, prefix="tests").open(opening())
    options = client.connection_pool.connection_kwargs
    assert (options["decode_responses"], options["retry_on_timeout"]) == (False, False)
    assert client.connection_pool.max_connections == 16
    client.close()


def in_a_child(work: Callable[[], bool]) -> bool:
    """Whether this is true in a fork of this process."""
    child = os.fork()
    if child == 0:
        truth = False
        try:
            truth = work()
        finally:
            os._exit(0 if truth else 1)
    return os.waitpid(child, 0)[1] == 0


def test_a_store_may_be_used_on_both_sides_of_a_fork(kind: RedisFixture) -> None:
    """Gunicorn's preload, Celery's prefork: each side gets its own answers."""
    open_many(kind.store, 2)

    def gets(id_: str) -> bool:
        answers = [kind.store.get(id_) for _ in range(50)]
        return all(answer and answer.id == id_ for answer in answers)

    before = len(kind.client.client_list())
    assert in_a_child(lambda: gets("s0001"))
    assert gets("s0000")
    assert len(kind.client.client_list()) == before


def test_a_process_has_one_pool(redis_server: RedisServer) -> None:
    first = blocking_store(redis_server.url, WINDOWS, prefix="tests", timeout=5.0)
    assert blocking_store(redis_server.url, WINDOWS, prefix="tests", timeout=5.0) is first


def test_what_is_no_url_of_a_redis_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="scheme"):
        blocking_client("http://localhost", timeout=1.0)


def test_another_database_of_the_server_is_another_registry(kind: RedisFixture) -> None:
    kind.store.open(opening())
    other = blocking_store(f"{kind.server.url[:-1]}1", WINDOWS, prefix="tests", timeout=5.0)
    assert other.get("s1") is None
