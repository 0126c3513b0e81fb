"""Redis-py's pools and clients, with one connection kept from reuse after a failure."""

from typing import Any

import redis
import redis.asyncio
from redis import exceptions
from redis.asyncio.connection import parse_url as parse_loop_url
from redis.asyncio.retry import Retry as LoopRetry
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, parse_url
from redis.retry import Retry

from .expectations import Keywords, attributes, callables, check

USED_IN = "store/redis/client.py"


def test_the_pool() -> None:
    expected = [
        *callables(
            redis.BlockingConnectionPool,
            get_connection="self, command_name=None, *keys, **options",
            release="self, connection",
        ),
        Keywords(redis.BlockingConnectionPool, "__init__", "max_connections timeout"),
        *attributes(redis.BlockingConnectionPool, "connection_class connection_kwargs"),
        *callables(AbstractConnection, disconnect="self, *args, **kwargs"),
    ]
    check("redis", expected, used_in=USED_IN)


def test_the_clients() -> None:
    expected = [
        *callables(redis.Redis, from_pool="connection_pool", register_script="self, script"),
        *callables(
            redis.asyncio.Redis, from_pool="connection_pool", register_script="self, script"
        ),
        *callables(redis.asyncio.ConnectionPool, disconnect="self, inuse_connections=True"),
        Keywords(Retry, "__init__", "backoff retries"),
        Keywords(LoopRetry, "__init__", "backoff retries"),
        *callables(NoBackoff, compute="self, failures"),
    ]
    check("redis", expected, used_in=USED_IN)


def test_the_errors() -> None:
    names = (
        "BusyLoadingError ClusterCrossSlotError DataError NoPermissionError OutOfMemoryError "
        "ReadOnlyError RedisError ResponseError"
    )
    check("redis", attributes(exceptions, names), used_in=USED_IN)


def test_what_a_url_is_parsed_to() -> None:
    for parse in (parse_url, parse_loop_url):
        assert parse("redis://example.com:1234/5?socket_timeout=1") == {
            "host": "example.com",
            "port": 1234,
            "db": 5,
            "socket_timeout": 1.0,
        }
        assert "path" in parse("unix:///a/socket")


def test_a_pool_passes_its_options_to_connections() -> None:
    options: dict[str, Any] = {"protocol": 2, "retry_on_timeout": False, "socket_keepalive": True}
    pool: Any = redis.BlockingConnectionPool(**options)  # type: ignore[no-untyped-call]
    connection = pool.connection_class(**pool.connection_kwargs)
    assert connection.retry_on_timeout is False
