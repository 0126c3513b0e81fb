"""Handler threads on a PostgreSQL that ends its backends: the next call has a connection."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import OperationalError, connections

from realtime.common.handler_threads import HandlerThreads
from realtime.models import ClosedSession
from tests.polling import eventually, eventually_in_loop
from tests.postgres_server import backends

PATIENCE = 60.0  # seconds, against hanging: a busy machine has taken ten for a connection


@pytest.fixture
async def threads() -> AsyncIterator[HandlerThreads]:
    threads = HandlerThreads(size=1, timeout=PATIENCE)
    yield threads
    await threads.aclose()


@pytest.fixture
def alias(postgres_database: str) -> str:
    """The settings of a database without connections."""
    expect_backends(postgres_database, 0)  # those of the tests before
    connections[postgres_database].close()
    return postgres_database


def expect_backends(alias: str, count: int) -> list[int]:
    """The backends, awaited: one whose connection is closed lives a little longer."""
    found: list[int] = []

    def are_so_many() -> bool:
        found[:] = backends(alias)
        return len(found) == count

    eventually(are_so_many, within=PATIENCE, what=found)
    return found


def end_backends(alias: str, count: int) -> None:
    """End so many, which are all, as a restart or a proxy does."""
    with connections[alias].cursor() as cursor:
        for pid in expect_backends(alias, count):
            cursor.execute("SELECT pg_terminate_backend(%s, %s)", [pid, int(1000 * PATIENCE)])
            assert cursor.fetchone() == (True,)


async def query(threads: HandlerThreads, alias: str) -> str:
    """A handler's query, by each of the three ways to the ORM."""
    rows = ClosedSession.objects.using(alias)
    try:
        with threads.executor():
            await rows.acount()
            await database_sync_to_async(rows.count)()
            await sync_to_async(rows.count)()
    except OperationalError:
        return "failed"
    return "answered"


async def settled(threads: HandlerThreads) -> None:
    await eventually_in_loop(lambda: len(threads._free) == 1, within=PATIENCE)


async def asked_around_an_end(threads: HandlerThreads, alias: str, *, count: int) -> list[str]:
    """The results of three calls, with all backends ended after the first, which are so many."""
    answers = []
    for number in range(3):
        answers.append(await query(threads, alias))
        await settled(threads)
        if number == 0:
            await sync_to_async(end_backends)(alias, count)
    await sync_to_async(connections.close_all)()
    return answers


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"CONN_MAX_AGE": 0}, (["answered"] * 3, 0)),
        ({"CONN_MAX_AGE": 600}, (["answered", "failed", "answered"], 1)),
        ({"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}, (["answered"] * 3, 1)),
    ],
    ids=["no age", "an age", "health checks"],
)
async def test_a_backend_that_ended_costs_what_it_costs_a_request(
    threads: HandlerThreads,
    alias: str,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    expected: tuple[list[str], int],
) -> None:
    for key, value in options.items():
        monkeypatch.setitem(connections.settings[alias], key, value)
    answers, count = expected
    assert await asked_around_an_end(threads, alias, count=count) == answers


async def test_connections_go_back_to_djangos_pool(
    threads: HandlerThreads, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg_pool", reason="psycopg-pool is not installed")
    pool = {"pool": {"min_size": 1, "max_size": 1, "timeout": PATIENCE}}
    monkeypatch.setitem(connections.settings[alias], "OPTIONS", pool)
    other = HandlerThreads(size=1, timeout=PATIENCE)
    try:
        for each in (threads, other, threads, other):
            assert await query(each, alias) == "answered"
    finally:
        await other.aclose()
        database: Any = connections[alias]
        await sync_to_async(database.close_pool)()
