"""Which store a setting means."""

import pytest

from realtime.store import backends
from realtime.store.database import BlockingDatabaseStore
from realtime.store.redis import BlockingRedisStore
from tests.redis_server import RedisServer

from .store_fixtures import BOUNDS, params

STORES = [
    "database",
    "database:other",
    "redis://localhost",
    "redis://localhost:6379/0",
    "redis://user:pass%3Aword@[::1]:7000/12?socket_timeout=1",
    "rediss://example.com",
    "valkey://localhost/1",
    "valkeys://localhost",
    "unix:///run/redis.sock",
    "unix://user:secret@/run/redis.sock?db=2",
]
OTHERS = [
    "",
    "redis",
    "Database",
    "database:",
    "databases",
    "redis://",
    "redis:///0",
    "redis://localhost:port",
    "redis://localhost:99999",
    "redis://localhost/first",
    "redis://[::1",
    "unix://",
    "http://localhost",
    "rediss:localhost",
    "redis://localhost?colour=red",
    "redis://localhost?socket_timeout=soon",
    "rediss://localhost?ssl_cert_reqs=perhaps",
]


@pytest.mark.parametrize("text", STORES)
def test_a_store(text: str) -> None:
    assert backends.is_store(text)


@pytest.mark.parametrize("text", OTHERS)
def test_no_store(text: str) -> None:
    assert not backends.is_store(text)


@pytest.mark.parametrize(
    ("text", "alias"),
    [("database", "default"), ("database:other", "other"), ("redis://localhost/1", "default")],
)
def test_the_database_of_the_history(text: str, alias: str) -> None:
    assert backends.database_alias(text) == alias


def test_a_setting_makes_the_right_store(redis_server: RedisServer) -> None:
    for text, backend in (
        ("database", BlockingDatabaseStore),
        (redis_server.url, BlockingRedisStore),
    ):
        store = backends.blocking_store(text, params(bounds=BOUNDS, timeout=1.0))
        assert isinstance(store, backend)
