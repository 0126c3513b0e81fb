"""The store on Redis: keys, steps, scripts, clients, processes."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.records import Order, Query, SessionState, SessionUpdate, SweepReport
from realtime.store.redis import BlockingRedisStore, blocking_store
from realtime.store.redis.client import blocking_client
from realtime.store.redis.operations import RedisOperations
from realtime.store.redis.scripts import ScriptCalls
from tests.redis_server import RedisServer

from .builders import beat, departure, ids, open_many, opening, returning, update
from .store_fixtures import DAY, LEASE, RESUME, SILENCE, TIMEOUTS, RedisFixture, params
from .test_queries import leaf_through


@pytest.fixture
def backend(redis_server: RedisServer) -> Iterator[RedisFixture]:
    backend = RedisFixture(redis_server)
    yield backend
    backend.close()


@pytest.fixture
def store(backend: RedisFixture) -> BlockingStore:
    return backend.store


# ---------------------------------------------------------------- keys


def keys(backend: RedisFixture) -> list[str]:
    # A scan may name a key twice.
    return sorted({key.decode() for key in backend.client.scan_iter()})


def end_all(backend: RedisFixture) -> None:
    """Sweep until nothing is due, and confirm."""
    while claimed := backend.store.sweep("sweeper").claimed:
        backend.store.confirm(ids(claimed))


def expire(backend: RedisFixture, sessions: list[str]) -> None:
    backend.store.suspend("w1", [departure(id_) for id_ in sessions])


def say_bye(backend: RedisFixture, sessions: list[str]) -> None:
    backend.store.close("w1", [departure(id_) for id_ in sessions], "w1")
    backend.store.confirm(sessions)


def be_asked(backend: RedisFixture, sessions: list[str]) -> None:
    for id_ in sessions:
        backend.store.request_close(session=id_, code=4500, reason="")
    expire(backend, sessions[::2])


def move_on(backend: RedisFixture, sessions: list[str]) -> None:
    beat(
        backend.store, "w1", *[update(id_, missed=2, rooms=("another", "one")) for id_ in sessions]
    )
    new = {"address": "elsewhere", "login": "new", "rooms": ("all", "one")}
    for id_ in sessions:
        backend.store.resume(returning(id_, user=user_of(id_), **new))


def be_forgotten(backend: RedisFixture, sessions: list[str]) -> None:
    beat(backend.store, "w1", *[update(id_, missed=1) for id_ in sessions])


def user_of(session: str) -> str:
    return str(int(session[1:]) % 100)


def test_ended_sessions_leave_no_keys(backend: RedisFixture) -> None:
    def rest() -> list[str]:
        beat(backend.store, "w9", connections=0)
        backend.store.sample()
        backend.store.note_sweep(SweepReport(0, 0, 0, 0, 1.0))
        return keys(backend)

    before = rest()
    known = [f"s{number:04}" for number in range(2000)]
    for id_ in known:
        mine = (f"chat:{id_[-2:]}", f"user:{user_of(id_)}")
        rooms: tuple[str, ...] = ("all", *mine) if int(id_[1:]) % 3 else ()
        backend.store.open(opening(id_, user=user_of(id_), login=f"l{user_of(id_)}", rooms=rooms))
    for number, ending in enumerate([expire, say_bye, be_asked, move_on, be_forgotten]):
        ending(backend, known[number::5])
    assert len(keys(backend)) > 2000
    assert len(backend.store.leave("w2")) == 400
    backend.advance(LEASE + 1)
    beat(backend.store, "w9")
    for seconds in (SILENCE, RESUME, 30 * DAY):
        backend.advance(seconds + 1)
        end_all(backend)
    assert rest() == before
    assert backend.store.stats().connected == backend.store.stats().users == 0


def test_all_keys_begin_with_the_prefix_and_share_a_slot(backend: RedisFixture) -> None:
    backend.store.open(opening(login="l1"))
    beat(backend.store, "w1", update())
    assert {key.partition(":")[0] for key in keys(backend)} == {"{tests}"}


def test_two_prefixes_are_two_registries(backend: RedisFixture) -> None:
    other = BlockingRedisStore(backend.client, backend.operations, prefix="others")
    backend.store.open(opening("s1"))
    other.open(opening("s2"))
    assert (ids(backend.store.of_user("7")), ids(other.of_user("7"))) == (["s1"], ["s2"])


def test_a_session_stays_in_the_compact_form(backend: RedisFixture) -> None:
    """A hash with a longer value than 64 bytes takes three times the memory."""
    text = "x" * 64
    named = {"token": text, "login": text, "agent": text * 4, "connection": "c" * 16}
    backend.store.open(opening(text[:32], **named, rooms=(f"user:{text}", text)))
    beat(backend.store, "w1", update(text[:32], latency_ms=12345.67))
    # Redis 6 calls it by its older name.
    encoding = backend.client.object("encoding", f"{{tests}}:session:{text[:32]}")
    assert encoding in (b"listpack", b"ziplist")


def test_sessions_without_rooms_cost_no_more_commands(backend: RedisFixture) -> None:
    """The same holds for sessions whose rooms have not changed."""

    def commands(*pulses: SessionUpdate) -> int:
        backend.client.config_resetstat()
        beat(backend.store, "w1", *pulses)
        stats = backend.client.info("commandstats")
        return sum(stat["calls"] for name, stat in stats.items() if name != "cmdstat_config")

    open_many(backend.store, 20)
    assert not [name for name in keys(backend) if "room" in name or "present" in name]
    beat(backend.store, "w1")
    alone = commands(*[update(f"s{number:04}") for number in range(20)])
    all_ = open_many(backend.store, 20, worker="w1", user="8", rooms=("news",))
    for id_ in all_:
        backend.store.resume(returning(id_, worker="w1", rooms=("news", "user:7")))
    assert backend.store.attendance("news").sessions == 20
    assert commands(*[update(id_, generation=2) for id_ in all_]) == alone


# ---------------------------------------------------------------- steps


@pytest.fixture
def small(backend: RedisFixture) -> BlockingStore:
    """The same registry, with scripts that examine three entries in a step."""
    calls = ScriptCalls(TIMEOUTS, batch=3)
    calls.clock_offset = backend.calls.clock_offset
    return BlockingRedisStore(backend.client, RedisOperations(calls), prefix="tests")


@pytest.fixture
def crowd(backend: RedisFixture) -> None:
    """Sessions of three users at two addresses, some suspended or lost, some beating at once."""
    for number in range(40):
        worker = f"w{number % 2}"
        address = f"10.0.0.{number % 3}"
        backend.store.open(
            opening(
                f"s{number:02}",
                user=str(number % 4),
                worker=worker,
                address=address,
                rooms=("all", "third") if number % 3 == 0 else ("all",),
            )
        )
        if number % 5 == 0:
            backend.advance(0.5)
    beat(backend.store, "w1", *[update(f"s{number:02}") for number in range(9, 30, 2)])
    backend.store.suspend("w0", [departure(f"s{number:02}") for number in range(0, 30, 6)])
    backend.advance(LEASE + 1)
    backend.store.sweep("sweeper", limit=4)


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
    {"user": "unknown"},
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
    requested = small.request_close(user="2", code=4500, reason="go")
    assert requested == store.request_close(user="2", code=4500, reason="go")
    assert len(small.leave("w1")) > 3
    assert small.leave("w1") == store.leave("w1")


def test_silent_sessions_are_counted_in_steps(backend: RedisFixture) -> None:
    open_many(backend.store, 10)
    backend.advance(SILENCE + 1)
    backend.store.request_close(session="s0003", code=4500, reason="")
    backend.store.open(opening("late"))
    calls = ScriptCalls(TIMEOUTS, batch=3, clock_offset=backend.calls.clock_offset)
    small = BlockingRedisStore(backend.client, RedisOperations(calls), prefix="tests")
    assert small.overdue() == backend.store.overdue()
    assert (small.overdue().suspend, small.overdue().close) == (10, 1)


# ---------------------------------------------------------------- scripts


def test_scripts_that_redis_has_lost_are_sent_again(backend: RedisFixture) -> None:
    backend.store.open(opening())
    backend.client.script_flush()
    assert ids(backend.store.of_user("7")) == ["s1"]


def test_a_beat_is_one_command(backend: RedisFixture) -> None:
    known = open_many(backend.store, 50)
    pulses = [update(id_) for id_ in known]
    beat(backend.store, "w1", *pulses)
    backend.client.config_resetstat()
    beat(backend.store, "w1", *pulses)
    beat(backend.store, "w1", *pulses)
    commands = backend.client.info("commandstats")
    assert commands["cmdstat_evalsha"]["calls"] == 2
    # Of those inside the script, two for each pulse and a few for the worker.
    inside = sum(value["calls"] for name, value in commands.items() if name != "cmdstat_evalsha")
    assert inside < 2 * (2 * 50 + 25)


@pytest.mark.parametrize("may_ask", [True, False], ids=["with INFO", "without"])
def test_a_user_of_redis_with_few_permissions_is_enough(
    backend: RedisFixture, may_ask: bool
) -> None:
    rights = ["+@read", "+@write", "+@scripting", "+@connection"]
    also = ["+time", "+info"] if may_ask else ["+time"]
    rest: dict[str, Any] = {"keys": ["{tests}:*"], "categories": rights, "commands": also}
    backend.client.acl_setuser("modest", enabled=True, nopass=True, reset=True, **rest)
    url = backend.server.url.replace("redis://", "redis://modest:any@")
    modest = blocking_store(url, params())
    modest.open(opening())
    assert beat(modest).incarnation == beat(modest, "w1", update()).incarnation != ""
    assert modest.stats().connected == 1
    assert ids(modest.leave("w1")) == ["s1"]
    backend.client.acl_deluser("modest")


# ---------------------------------------------------------------- clients


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with RedisServer("--unixsocket", str(path)):
        store = blocking_store(f"unix://{path}", params())
        store.open(opening())
        assert ids(store.of_user("7")) == ["s1"]


def test_valkey_urls_work_like_those_of_redis(backend: RedisFixture) -> None:
    backend.store.open(opening())
    client = blocking_client(backend.server.url.replace("redis", "valkey"), timeout=5.0)
    other = BlockingRedisStore(client, backend.operations, prefix="tests")
    assert ids(other.of_user("7")) == ["s1"]
    client.close()


def test_options_of_a_url_do_not_loosen_the_client(backend: RedisFixture) -> None:
    url = f"{backend.server.url}?decode_responses=yes&retry_on_timeout=yes&max_connections=1000"
    client = blocking_client(url, timeout=5.0)
    BlockingRedisStore(client, backend.operations, prefix="tests").open(opening())
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


def test_a_store_may_be_used_on_both_sides_of_a_fork(backend: RedisFixture) -> None:
    """Gunicorn's preload, Celery's prefork: each side gets its own answers."""
    open_many(backend.store, 2)

    def gets(id_: str) -> bool:
        answers = [backend.store.get(id_) for _ in range(50)]
        return all(answer and answer.id == id_ for answer in answers)

    before = len(backend.client.client_list())
    assert in_a_child(lambda: gets("s0001"))
    assert gets("s0000")
    assert len(backend.client.client_list()) == before


def test_a_process_has_one_pool(redis_server: RedisServer) -> None:
    first = blocking_store(redis_server.url, params())
    assert blocking_store(redis_server.url, params()) is first


def test_an_invalid_url_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="scheme"):
        blocking_client("http://localhost", timeout=1.0)


def test_another_database_of_the_server_is_another_registry(backend: RedisFixture) -> None:
    backend.store.open(opening())
    other = blocking_store(f"{backend.server.url[:-1]}1", params())
    assert other.get("s1") is None


@pytest.mark.parametrize("batch", [1, 2, 3, 500])
def test_lists_of_many_users_take_several_calls(backend: RedisFixture, batch: int) -> None:
    rooms = {"a": "{}", "b": "{}", "c": "{}"}
    for number in range(2):
        session = opening(f"s{number}", user=str(number), presence=rooms)
        backend.store.open(session)
    backend.calls.batch = batch
    answer = backend.store.presence({**dict.fromkeys(rooms, ""), "d": ""})
    assert [(room, each.listed) for room, each in answer.rooms.items()] == [
        *((room, {"0": "{}", "1": "{}"}) for room in rooms),
        ("d", {}),
    ]
    known = {room: each.version for room, each in answer.rooms.items()}
    assert backend.store.presence(known).rooms == {}
