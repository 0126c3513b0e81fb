"""Two releases on one Redis: each reads the other's data."""

import json
from collections.abc import Iterator

import pytest

from realtime.store.records import Totals, WorkerReport
from tests.redis_server import RedisServer

from .builders import beat, opening
from .store_fixtures import PREFIX, RedisFixture


@pytest.fixture
def backend(redis_server: RedisServer) -> Iterator[RedisFixture]:
    backend = RedisFixture(redis_server)
    yield backend
    backend.close()


def key_of(name: str) -> str:
    return f"{{{PREFIX}}}:{name}"


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
    session = backend.store.get("s1")
    assert session is not None
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
