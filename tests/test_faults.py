"""The servers and the fault proxy that other tests rely on."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from tests.faults import Proxy
from tests.polling import eventually
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    redis_server.flush()
    return redis_server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def client(server: RedisServer, proxy: Proxy) -> Iterator[redis.Redis]:
    """A connected client on the other side of the proxy, with a short timeout."""
    with server.client(port=proxy.port, socket_timeout=0.5) as client:
        assert client.ping()
        yield client


# ---------------------------------------------------------------- Redis


def test_a_redis_comes_back_empty(server: RedisServer) -> None:
    with server.client() as client:
        client.set("key", "value")
        server.stop()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        server.start()
        assert client.get("key") is None


def test_a_frozen_redis_keeps_its_connections_and_does_not_answer(server: RedisServer) -> None:
    with server.client() as patient:
        assert patient.set("key", "value")
        server.freeze()
        with server.client(socket_timeout=0.05) as hasty, pytest.raises(redis.TimeoutError):
            hasty.ping()
        server.thaw()
        assert patient.get("key") == b"value"


def test_a_redis_is_emptied(server: RedisServer) -> None:
    with server.client() as client:
        client.set("key", "value")
        server.flush()
        assert client.dbsize() == 0


def test_a_redis_with_snapshots_keeps_its_data_over_an_orderly_stop() -> None:
    with RedisServer("--maxmemory", "20mb", snapshots=True) as server, server.client() as client:
        client.set("kept", "1")
        server.stop()
        server.start()
        client.set("lost", "1")
        server.kill()
        server.start()
        assert client.keys() == [b"kept"]
        assert client.config_get("maxmemory") == {"maxmemory": str(20 * 2**20)}


def test_a_closed_redis_leaves_no_process_and_no_folder() -> None:
    server = RedisServer()
    with server.client() as client:
        process, folder = client.info("server")["process_id"], client.config_get("dir")["dir"]
    server.freeze()
    server.close()
    assert not psutil.pid_exists(process)
    assert not Path(folder).exists()


# ---------------------------------------------------------------- faults on the way


def test_without_faults_the_proxy_forwards_everything(client: redis.Redis, proxy: Proxy) -> None:
    value = b"x" * 1_000_000
    client.set("key", value)
    assert client.get("key") == value
    assert (proxy.accepted, proxy.connections, proxy.cuts) == (1, 1, 0)


def test_a_stall_holds_requests(client: redis.Redis, proxy: Proxy, server: RedisServer) -> None:
    proxy.stall(replies=False)
    with pytest.raises(redis.TimeoutError):
        client.set("key", "value")
    with server.client() as direct:
        assert direct.get("key") is None
    proxy.heal()
    assert client.set("key", "value")


def test_a_stall_of_the_replies_lets_the_requests_through(
    client: redis.Redis, proxy: Proxy, server: RedisServer
) -> None:
    proxy.stall(requests=False)
    with pytest.raises(redis.TimeoutError):
        client.set("key", "value")
    with server.client() as direct:
        assert eventually(lambda: direct.get("key")) == b"value"


def test_held_requests_arrive_after_healing(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as raw:
        proxy.stall()
        raw.sendall(b"ECHO one\r\n")
        proxy.heal()
        assert raw.recv(100) == b"$3\r\none\r\n"


def test_a_cut_reply_comes_after_the_command_ran(
    client: redis.Redis, proxy: Proxy, server: RedisServer
) -> None:
    client.set("count", 0)
    proxy.cut_replies(to=b"INCR")
    assert client.get("count") == b"0"
    with pytest.raises(redis.ConnectionError):
        client.incr("count")
    assert client.get("count") == b"1"
    assert client.incr("count") == 2
    assert proxy.cuts == 1


def test_a_reset_breaks_open_connections(client: redis.Redis, proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as raw:
        assert client.ping()
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            raw.recv(100)
    assert client.ping()
    assert proxy.accepted == 3


def test_a_refusing_proxy_lets_no_client_through_until_it_is_healed(
    client: redis.Redis, proxy: Proxy
) -> None:
    assert client.ping()
    proxy.refuse()
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            client.ping()
    proxy.heal()
    assert client.ping()


def test_a_delay_delays_both_ways(client: redis.Redis, proxy: Proxy) -> None:
    assert client.ping()
    proxy.delay(0.03)
    began = time.monotonic()
    assert client.ping()
    assert time.monotonic() - began >= 0.06


def test_a_stopped_server_refuses_connections(client: redis.Redis, server: RedisServer) -> None:
    server.stop()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    server.start()
    assert client.ping()


# ---------------------------------------------------------------- PostgreSQL


def test_a_postgres_is_restarted_with_its_data_and_leaves_nothing_behind(
    postgres_server: PostgresServer,
) -> None:
    with PostgresServer(postgres_server.programs) as server, server.connect() as connection:
        connection.execute("CREATE TABLE kept ()")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT FROM kept")
        server.start()
        with server.connect() as another:
            another.execute("SELECT FROM kept")
            backend = another.info.backend_pid
    assert not psutil.pid_exists(backend)
    assert not server.folder.exists()


def test_a_postgres_makes_a_database_for_each_test(postgres_server: PostgresServer) -> None:
    postgres_server.create("one")
    with psycopg.connect(postgres_server.create("two", template="one")) as connection:
        assert connection.info.dbname == "two"
