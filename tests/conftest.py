"""Servers that many tests share: started when the first one asks, ended with the session."""

from collections.abc import Iterator

import pytest

from .redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis of our own. Who uses it flushes it."""
    with RedisServer() as server:
        yield server
