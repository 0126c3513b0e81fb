"""The guarantee of a drain: five seconds even if something hangs, and a true exit code."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime.bus import command_queue
from realtime.common.threads import CLOSE_TIMEOUT
from realtime.management.serving import EXIT_TIMEOUT
from realtime.servers.common.limits import ServerLimits
from realtime.worker import runtime
from tests.redis_server import RedisServer

from .support import Project, Server, connected, crowd, login

SETTINGS = "tests.e2e.undrained_settings"


def test_the_timeouts_add_up() -> None:
    limits = ServerLimits()
    leaving = runtime.LEAVE_TIMEOUT + runtime.HISTORY_TIMEOUT + runtime.SIGNAL_TIMEOUT
    assert leaving >= 4 * command_queue.STOP_TIMEOUT, "commands to the channel layer run beside it"
    worker = runtime.STORE_TIMEOUT + runtime.WRITE_TIMEOUT + leaving + 2 * CLOSE_TIMEOUT
    assert worker < limits.goodbye_timeout < limits.drain_timeout
    assert limits.drain_timeout + 2 * limits.cancel_timeout + EXIT_TIMEOUT < 5


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


async def stopped(server: Server) -> float:
    began = time.monotonic()
    server.stop()
    await asyncio.to_thread(server.exit_code)
    return time.monotonic() - began


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_where_everything_hangs_it_takes_as_long_as_promised(
    template: Path, tmp_path: Path, own_redis: RedisServer, kind: str
) -> None:
    """Store and channel layer are frozen, receivers sleep for a minute."""
    environ = {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "FAULT": "receivers",
        "REDIS_URL": own_redis.url,
    }
    project = Project.copy(template, tmp_path, environ=environ)
    with project.serve(server=kind) as server:
        async with crowd(server, login(server, "ann"), 3) as clients:
            own_redis.freeze()
            took = await stopped(server)
            assert [(await client.closed())[0] for client in clients] == [1001] * 3
        assert took < 5.5  # half a second for a busy machine
        assert server.exit_code() == 0
        assert server.lines_with("took longer") == []


@pytest.mark.parametrize(("kind", "workers"), [("daphne", 1), ("uvicorn", 1), ("uvicorn", 2)])
async def test_a_drain_that_fails_is_not_exit_code_0(
    template: Path, tmp_path: Path, kind: str, workers: int
) -> None:
    environ = {"DJANGO_SETTINGS_MODULE": SETTINGS, "FAULT": "drain"}
    project = Project.copy(template, tmp_path, environ=environ)
    several = ("manage.py", "serve", "--port", "0", "--server", kind, "--workers", str(workers))
    with project.serve(server=kind) if workers == 1 else project.start(*several) as server:
        async with connected(server, login(server, "ann")):
            assert await stopped(server) < 10
        assert server.exit_code() == 5
        assert server.lines_with("drain failed: ZeroDivisionError")
        assert server.lines_with("CommandError: the drain ")
