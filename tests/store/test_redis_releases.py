"""Two releases on one Redis: each reads the other's data."""

import json
from collections.abc import Iterator

import pytest

from realtime.protocol.position import Position
from realtime.store.log import BlockingLog
from realtime.store.records import Totals, WorkerReport
from tests.redis_server import RedisServer

from .builders import beat, found, opening
from .store_fixtures import PREFIX, RedisFixture
from .test_log import publish
from .test_log_history import replid_of
from .test_log_redis import key_of as log_key_of


@pytest.fixture
def backend(redis_server: RedisServer) -> Iterator[RedisFixture]:
    backend = RedisFixture(redis_server)
    yield backend
    backend.close()


def key_of(key: str) -> str:
    return f"{{{PREFIX}}}:{key}"


@pytest.mark.parametrize(
    ("about", "values", "username", "totals"),
    [
        (["ann", "an agent", "more"], [2.5, 1, 2, 3, 4, 5, 6, 7], "ann", Totals(1, 2, 3, 4, 5, 6)),
        (["ann"], [2.5, 1], "ann", Totals(1)),
        ([], [], "", Totals()),
    ],
    ids=["after", "before", "nothing"],
)
def test_a_session_of_another_release_is_read(
    backend: RedisFixture, about: list[str], values: list[float], username: str, totals: Totals
) -> None:
    backend.store.open(opening())
    backend.client.set(key_of("about:s1"), json.dumps(about))
    backend.client.hset(key_of("session:s1"), mapping={"values": json.dumps(values), "more": "1"})
    session = found(backend.store)
    assert (session.peer.username, session.totals) == (username, totals)


@pytest.mark.parametrize("more", [{"more": {"than": "this"}}, {}], ids=["after", "before"])
def test_a_worker_of_another_release_is_read(
    backend: RedisFixture, more: dict[str, object]
) -> None:
    beat(backend.store, "w1")
    told = {"id": "w1", "host": "h", "pid": 7, "connections": 3, **more}
    backend.client.hset(key_of("worker:w1"), mapping={"report": json.dumps(told), "more": "1"})
    assert backend.store.workers() == (WorkerReport("w1", "h", 7, 3),)
    assert backend.store.stats().workers == 1
    backend.store.sample()
    backend.client.hset(key_of("registry"), "more", "1")
    assert len(backend.store.samples()) == 1


def test_a_log_of_the_release_before_continues(backend: RedisFixture, log: BlockingLog) -> None:
    """And stays readable for that release, while both are running."""
    publish(log, "1")
    before = publish(log, "2")[0].position
    backend.client.hdel(log_key_of("meta"), "begun")
    assert publish(log, "3")[0].position == Position(before.epoch, 3)
    begun, noted = backend.client.hmget(log_key_of("meta"), "begun", "history")
    assert (begun is not None, noted) == (True, replid_of(backend.client).encode())
