"""A Redis that hangs, is killed, is full, loses data: clear errors in time, right results after."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from realtime.store.contract import StoreUnavailable
from realtime.store.records import Session, SweepReport
from realtime.store.redis import BlockingRedisStore, RedisStore, blocking_store, loop_store
from realtime.store.redis.client import CONNECTIONS
from tests.faults import Proxy
from tests.polling import eventually
from tests.redis_server import RedisServer

from .builders import beat, departure, ids, open_many, opening, report, returning, update
from .store_fixtures import RedisFixture, params

TIMEOUT = 0.4
SLACK = 1.5  # a loaded machine may be as much later

# More than there are connections, so that some wait for one.
MANY = 3 * CONNECTIONS


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    redis_server.flush()
    return redis_server


@pytest.fixture
def sessions(server: RedisServer) -> BlockingRedisStore:
    return blocking_store(server.url, params(timeout=TIMEOUT))


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisStore]:
    store = loop_store(server.url, params(timeout=TIMEOUT))
    yield store
    await store.aclose()


@contextmanager
def hanging(server: RedisServer) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@contextmanager
def fails_within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        yield
    assert time.monotonic() - began < seconds


def are_right(answers: list[Session | None], names: list[str]) -> bool:
    return [answer and answer.id for answer in answers] == names


# ---------------------------------------------------------------- a hang


async def test_a_call_to_a_redis_that_hangs_fails_in_time(
    store: RedisStore, server: RedisServer
) -> None:
    known = open_many(store.blocking, 2)
    with hanging(server), fails_within(TIMEOUT + SLACK):
        await store.get(known[0])
    assert are_right([await store.get(known[1])], [known[1]])


def test_a_thread_that_calls_a_redis_that_hangs_fails_in_time(
    sessions: BlockingRedisStore, server: RedisServer
) -> None:
    known = open_many(sessions, 2)
    with hanging(server), fails_within(TIMEOUT + SLACK):
        sessions.get(known[0])
    assert are_right([sessions.get(known[1])], [known[1]])


async def test_calls_that_wait_for_a_connection_fail_in_time_too(
    store: RedisStore, server: RedisServer
) -> None:
    known = open_many(store.blocking, MANY)
    with hanging(server):
        began = time.monotonic()
        answers = await asyncio.gather(*map(store.get, known), return_exceptions=True)
        assert time.monotonic() - began < TIMEOUT + SLACK
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert are_right(await asyncio.gather(*map(store.get, known)), known)


def test_threads_that_wait_for_a_connection_fail_in_time_too(
    sessions: BlockingRedisStore, server: RedisServer
) -> None:
    known = open_many(sessions, MANY)

    def ask(id_: str) -> object:
        try:
            return sessions.get(id_)
        except StoreUnavailable as error:
            return error

    with ThreadPoolExecutor(MANY) as pool:
        with hanging(server):
            began = time.monotonic()
            answers = list(pool.map(ask, known))
            assert time.monotonic() - began < 3 * TIMEOUT + SLACK  # for a connection, then for it
        assert {type(answer) for answer in answers} == {StoreUnavailable}
        assert are_right(list(pool.map(sessions.get, known)), known)


async def test_a_pause_of_writes_fails_writes_only(store: RedisStore, server: RedisServer) -> None:
    open_many(store.blocking, 1)
    with server.client() as client:
        client.client_pause(5000, all=False)
        with fails_within(TIMEOUT + SLACK):
            await store.open(opening("s2"))
        client.client_unpause()
    session = await store.open(
        opening("s2")
    )  # the repeat, whether or not the first one came through
    assert isinstance(session, Session)
    assert (session.id, session.generation) == ("s2", 1)


async def test_cancelled_calls_leave_no_answer_for_others(
    store: RedisStore, server: RedisServer
) -> None:
    """Cancelled at every point of a call, also twice: no slot is lost, no answer confused."""
    known = open_many(store.blocking, 40)
    with server.client() as client:
        before = len(client.client_list())
    dice = random.Random(7)
    for _ in range(25):
        calls = [asyncio.create_task(store.get(id_)) for id_ in known]
        await asyncio.sleep(dice.random() * 0.01)
        for call in calls[::2]:
            call.cancel()
            asyncio.get_running_loop().call_soon(call.cancel)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for id_, answer in zip(known, answers, strict=True):
            assert isinstance(answer, asyncio.CancelledError) or answer.id == id_  # type: ignore[union-attr]
    assert are_right(await asyncio.gather(*map(store.get, known)), known)
    with server.client() as client:
        eventually(lambda: len(client.client_list()) <= before + CONNECTIONS, what="no more left")


async def test_a_storm_behind_a_redis_that_hangs_is_refused(
    store: RedisStore, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.store.redis.store.MAX_WAITING", MANY)
    with hanging(server):
        waiting = [asyncio.create_task(store.get("s1")) for _ in range(MANY)]
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable, match="too many calls"):
            await store.get("s1")
        await asyncio.gather(*waiting, return_exceptions=True)
    assert await store.get("s1") is None


# ---------------------------------------------------------------- cuts and restarts


async def test_cut_connections_are_replaced(
    store: RedisStore, sessions: BlockingRedisStore, server: RedisServer
) -> None:
    known = open_many(store.blocking, MANY)
    await asyncio.gather(*map(store.get, known))
    with server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    # A call sent before the end was noticed fails; no second one does.
    await asyncio.gather(*map(store.get, known), return_exceptions=True)
    assert are_right(await asyncio.gather(*map(store.get, known)), known)
    assert are_right([sessions.get(id_) for id_ in known[:3]], known[:3])


async def test_a_redis_that_comes_back_empty_is_another_incarnation() -> None:
    with RedisServer() as server:
        store = loop_store(server.url, params())
        before = await store.beat(report(), [])
        await store.open(opening())
        server.kill()
        with pytest.raises(StoreUnavailable):
            await store.beat(report(), [])
        with pytest.raises(StoreUnavailable):
            store.blocking.stats()
        server.start()
        after = await store.beat(report(), [])
        assert (after.renewed, after.incarnation != before.incarnation) == (False, True)
        assert store.blocking.get("s1") is None
        await store.aclose()


async def test_a_redis_that_comes_back_with_a_snapshot_is_another_incarnation() -> None:
    with RedisServer(snapshots=True) as server:
        store = loop_store(server.url, params())
        before = await store.beat(report(), [])
        await store.open(opening())
        await asyncio.to_thread(server.stop)  # while the loop hears of the end
        server.start()
        after = await store.beat(report(), [])
        assert after.incarnation != before.incarnation
        assert await store.get("s1") is not None
        await store.aclose()


async def test_a_server_that_is_no_redis_is_an_unavailable_store() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            writer.write(b":babble\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        store = loop_store(url, params())
        with pytest.raises(StoreUnavailable, match="babble"):
            await store.get("s1")
        with pytest.raises(StoreUnavailable, match="babble"):
            await asyncio.to_thread(store.blocking.get, "s1")
        await store.aclose()


# ---------------------------------------------------------------- no memory


def test_a_full_redis_refuses_new_sessions_and_clears_ended_ones(
    sessions: BlockingRedisStore, server: RedisServer
) -> None:
    known = open_many(sessions, 3)
    beat(sessions)
    sessions.suspend("w1", [departure("s0002")])
    sessions.request_close(session="s0002", code=4500, reason="")
    with server.client() as client:
        client.config_set("maxmemory", "1mb")
        try:
            with pytest.raises(StoreUnavailable, match="maxmemory"):
                sessions.open(opening("another"))
            assert ids(sessions.of_user("7")) != []
            assert ids(sessions.close("w1", [departure(known[0])], "w1")) == [known[0]]
            assert ids(sessions.suspend("w1", [departure(known[1])])) == [known[1]]
            assert ids(sessions.sweep("sweeper").claimed) == [known[2]]
            sessions.confirm([known[0], known[2]])
        finally:
            client.config_set("maxmemory", "0")
    assert ids(sessions.of_user("7")) == [known[1]]
    assert sessions.open(opening("another")) is not None


def test_a_full_redis_clears_sessions_from_the_future(server: RedisServer) -> None:
    backend = RedisFixture(server)
    known = open_many(backend.store, 3)
    beat(backend.store, "w1")
    backend.store.suspend("w1", [departure("s0002")])
    backend.advance(-7200)
    with server.client() as client:
        client.config_set("maxmemory", "1mb")
        try:
            assert ids(backend.store.close("w1", [departure(known[0])], "w1")) == [known[0]]
            swept = backend.store.sweep("sweeper")
            assert (ids(swept.suspended), ids(swept.claimed)) == ([known[1]], [known[2]])
            assert backend.store.resume(returning(known[1])) is not None
        finally:
            client.config_set("maxmemory", "0")
    backend.close()


def test_a_full_redis_keeps_its_sessions(sessions: BlockingRedisStore, server: RedisServer) -> None:
    """It renews leases, so that no worker counts as dead, and accepts requests and reports."""
    open_many(sessions, 2)
    beat(sessions)
    with server.client() as client:
        client.config_set("maxmemory", "1mb")
        try:
            assert sessions.request_close(session="s0001", code=4500, reason="") == ("s0001",)
            answer = beat(sessions, "w1", update("s0000", missed=1))
            assert (answer.renewed, len(answer.inbox), answer.lost) == (True, 1, ())
            sessions.sample()
            sessions.note_sweep(SweepReport(0, 0, 0, 0, 1.0))
        finally:
            client.config_set("maxmemory", "0")
    assert sessions.stats().unhealthy == len(sessions.samples()) == 1


def test_a_probe_is_refused_like_a_session_and_leaves_nothing(
    sessions: BlockingRedisStore, server: RedisServer
) -> None:
    sessions.probe()
    with server.client() as client:
        assert client.keys() == []
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(StoreUnavailable, match=r"^OOM "):
                sessions.probe()
        finally:
            client.config_set("maxmemory", "0")
    sessions.probe()


def test_a_probe_finds_a_redis_without_permission_to_write(server: RedisServer) -> None:
    with server.client() as client:
        client.acl_setuser("reader", enabled=True, passwords=["+x"], keys=["*"],
                           commands=["+@read", "+@scripting", "+time"])  # fmt: skip
    url = server.url.replace("://", "://reader:x@")
    reader = blocking_store(url, params(timeout=TIMEOUT))
    assert reader.of_user("7") == ()
    with pytest.raises(StoreUnavailable, match=r"NOPERM|can't run this command"):
        reader.probe()


def test_refusals_of_redis_make_the_store_unavailable(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("requirepass", "secret")
        try:
            refused = blocking_store(server.url, params(prefix="other", timeout=TIMEOUT))
            with pytest.raises(StoreUnavailable, match=r"(?i)auth"):
                refused.stats()
        finally:
            client.config_set("requirepass", "")


# ---------------------------------------------------------------- another takes its place


async def test_connections_to_a_demoted_server_are_closed() -> None:
    """They stay open and refuse every write, while the address leads to another server."""
    with RedisServer() as old, RedisServer() as new, Proxy(old.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        store = loop_store(url, params())
        before = await store.beat(report(), [])
        assert store.blocking.request_close(session="s1", code=4500, reason="") == ()
        proxy.target = new.port
        with old.client() as client:
            client.replicaof("127.0.0.1", new.port)
        with pytest.raises(StoreUnavailable, match="read only"):
            await store.beat(report(), [])
        with pytest.raises(StoreUnavailable, match="read only"):
            store.blocking.request_close(session="s1", code=4500, reason="")
        assert (await store.beat(report(), [])).incarnation != before.incarnation
        assert store.blocking.request_close(session="s1", code=4500, reason="") == ()
        await store.aclose()
