"""A connection that has ended leaves nothing to the garbage collector, whichever side ended it."""

import json
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.polling import eventually

from .support import Client, Project, Server, connected

WARM_UP, MANY, AT_ONCE = 60, 100, 20

Way = Callable[[Client], Awaitable[object]]


async def closed_by_client(client: Client) -> None:
    await client.connection.close(1000)


async def closed_by_server(client: Client) -> None:
    await client.send(type="bye")
    await client.closed()


async def malformed(client: Client) -> None:
    for _ in range(10):
        await client.connection.send("no message")
    await client.closed()


async def reset(client: Client) -> None:
    await client.lose()


async def reset_with_requests(client: Client) -> None:
    """One waits for its client, one for its application, one was cancelled."""
    for id_, parts in enumerate([1000, 0, 0]):
        await client.send(type="request", id=id_, name="count", data=parts)
    await client.frame("reply", number=200)
    await client.send(type="cancel", id=1)
    await client.lose()


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def worker(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("cycles")
    project = Project.copy(
        template,
        folder,
        environ={
            "DJANGO_SETTINGS_MODULE": "tests.e2e.cycles_project",
            "SIGNAL_LOG": str(folder / "signals"),
        },
        allow_anonymous=1,
        resume_window=1.0,
        flush_interval=0.3,
        sweep_interval=0.5,
    )
    with project.serve(server=request.param) as server:
        yield server


@pytest.mark.parametrize(
    "way", [closed_by_client, closed_by_server, malformed, reset, reset_with_requests]
)
async def test_an_ended_connection_leaves_no_cycle(worker: Server, way: Way) -> None:
    await come_and_go(worker, WARM_UP, way)
    garbage(worker)
    await come_and_go(worker, MANY, way)
    assert garbage(worker) / MANY < 1


async def come_and_go(worker: Server, count: int, way: Way) -> None:
    for _ in range(0, count, AT_ONCE):
        async with AsyncExitStack() as stack:
            for _ in range(AT_ONCE):
                await way(await stack.enter_async_context(connected(worker, "")))


def garbage(worker: Server) -> int:
    """How many objects the collector has found once no connection is left."""
    found = 0

    def collected() -> bool:
        nonlocal found
        said = asked(worker)
        found += said["found"]
        return said["left"] == 0

    eventually(collected, what="the end of the last connection")
    return found


def asked(worker: Server) -> dict[str, int]:
    """The objects that the collector finds now."""
    before = len(worker.lines_with("garbage: "))
    worker.stop(signal.SIGUSR2)
    said = eventually(lambda: worker.lines_with("garbage: ")[before:], what="garbage")
    counts: dict[str, int] = json.loads(said[-1].partition("garbage: ")[2])
    return counts
