"""The servers and faults that other tests rely on do what is said of them."""

from pathlib import Path

import psutil
import pytest
import redis

from .redis_server import RedisServer


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    redis_server.flush()
    return redis_server


def test_a_redis_comes_back_empty(server: RedisServer) -> None:
    with server.client() as client:
        client.set("key", "value")
        server.stop()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        server.start()
        assert client.get("key") is None


def test_a_frozen_redis_keeps_its_connections_and_says_nothing(server: RedisServer) -> None:
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


def test_a_redis_with_snapshots_finds_what_an_orderly_stop_has_kept() -> None:
    with RedisServer("--maxmemory", "20mb", snapshots=True) as server, server.client() as client:
        client.set("kept", "1")
        server.stop()
        server.start()
        client.set("lost", "1")
        server.kill()
        server.start()
        assert client.keys() == [b"kept"]
        assert client.config_get("maxmemory") == {"maxmemory": str(20 * 2**20)}


def test_nothing_of_a_closed_redis_is_left() -> None:
    server = RedisServer()
    with server.client() as client:
        process, folder = client.info("server")["process_id"], client.config_get("dir")["dir"]
    server.freeze()
    server.close()
    assert not psutil.pid_exists(process)
    assert not Path(folder).exists()
