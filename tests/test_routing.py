"""ASGI routing: probes, unknown paths, lifespan."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.testing import HttpCommunicator, WebsocketCommunicator
from django.core.exceptions import ImproperlyConfigured

from realtime.routing import realtime_application
from realtime.store.ownership import ForeignStore
from realtime.testing import connect
from realtime.worker import instances
from realtime.worker.admission import refusals
from realtime.worker.runtime import Runtime
from tests.polling import TIMEOUT


async def pages(scope: Any, receive: Any, send: Any) -> None:
    """A project's own pages."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a page"})


application: Any = realtime_application(pages)
Lifespan: Any = ApplicationCommunicator  # it has no types


@pytest.fixture
async def worker(transactional_db: None, settings: Any) -> AsyncIterator[Runtime]:
    settings.REALTIME = {"ALLOW_ANONYMOUS": True, "FLUSH_INTERVAL": 3600.0, "LEASE": 36000.0}
    worker = await instances.start()
    yield worker
    if worker in instances.running():
        await worker.stop()


async def get(path: str, host: str = "unknown.example") -> tuple[int, Any]:
    headers = [(b"host", host.encode())]
    communicator = HttpCommunicator(application, "GET", path, headers=headers)
    response = await communicator.get_response(timeout=10)
    return response["status"], response["body"]


PROBES = ["/realtime/live/", "/realtime/ready/"]


@pytest.mark.parametrize("path", PROBES)
@pytest.mark.parametrize("host", ["unknown.example", "10.0.0.7:8000", ""])
@pytest.mark.usefixtures("worker")
async def test_a_probe_answers_under_any_host(path: str, host: str) -> None:
    status, body = await get(path, host)
    assert (status, json.loads(body)) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", PROBES)
async def test_a_process_without_a_worker_is_healthy(path: str) -> None:
    assert (await get(path))[0] == 200


async def test_a_draining_worker_is_live_and_not_ready(worker: Runtime) -> None:
    worker.draining = True
    assert [(await get(path))[0] for path in PROBES] == [200, 503]


async def test_without_its_store_a_worker_is_live_and_not_ready(worker: Runtime) -> None:
    worker.beats.healthy = False
    status, body = await get("/realtime/ready/")
    assert (status, json.loads(body)) == (503, {"status": "unavailable"})
    assert (await get("/realtime/live/"))[0] == 200


async def test_a_worker_that_does_not_tick_is_neither(worker: Runtime) -> None:
    worker.ticker.last_tick -= 5.0
    await worker.ticker.stop()
    worker.ticker.last_tick -= 5.0
    assert [(await get(path))[0] for path in PROBES] == [503, 503]


@pytest.mark.parametrize("path", ["/", "/realtime/health/", "/realtime/live", "/realtime/live/x"])
async def test_every_other_path_is_the_project_s(path: str) -> None:
    assert await get(path) == (200, b"a page")


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/x/", "/other/", "/realtime/live/"])
async def test_a_handshake_anywhere_else_is_refused_without_a_traceback(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    communicator = WebsocketCommunicator(application, path)
    connected, _ = await communicator.connect()
    assert not connected
    await communicator.wait()
    assert caplog.text == ""


@pytest.mark.usefixtures("worker")
async def test_connections_come_to_ws() -> None:
    async with connect(application=application) as socket:
        assert socket.welcome["user"] is None


# Under a sub-path

SUB_PATHS = {
    "FORCE_SCRIPT_NAME": ("/shop", "", "/shop"),
    "with a slash": ("/shop/", "", "/shop"),
    "and a proxy that removes it": ("/shop", "", ""),
    "root path": (None, "/shop", "/shop"),
    "root path removed": (None, "/shop", ""),
}


@pytest.mark.parametrize(("forced", "root_path", "prefix"), SUB_PATHS.values(), ids=SUB_PATHS)
async def test_a_sub_path_has_connections_and_probes(
    forced: str | None, root_path: str, prefix: str, worker: Runtime, settings: Any
) -> None:
    settings.FORCE_SCRIPT_NAME = forced
    communicator = WebsocketCommunicator(application, f"{prefix}/ws/")
    communicator.scope["root_path"] = root_path
    assert (await communicator.connect(timeout=10))[0]
    await communicator.disconnect()
    probe = HttpCommunicator(application, "GET", f"{prefix}/realtime/live/")
    probe.scope["root_path"] = root_path
    assert json.loads((await probe.get_response(timeout=10))["body"]) == {"status": "ok"}


async def test_a_longer_name_is_not_below_the_sub_path(settings: Any) -> None:
    settings.FORCE_SCRIPT_NAME = "/shop"
    for path in ("/shopws/", "/shop/shop/ws/"):
        assert not (await WebsocketCommunicator(application, path).connect())[0]


@pytest.mark.usefixtures("transactional_db")
async def test_lifespan_starts_and_drains_the_worker() -> None:
    communicator = Lifespan(application, {"type": "lifespan"})
    await communicator.send_input({"type": "lifespan.startup"})
    assert await communicator.receive_output(10) == {"type": "lifespan.startup.complete"}
    (worker,) = instances.running()
    await communicator.send_input({"type": "lifespan.shutdown"})
    assert await communicator.receive_output(10) == {"type": "lifespan.shutdown.complete"}
    await communicator.wait(10)
    assert instances.running() == []
    assert worker.draining
    assert [t for t in asyncio.all_tasks() if t.get_name() == "realtime-ticker"] == []


CANNOT = [ForeignStore("another deployment's"), ImproperlyConfigured("no such database")]


@pytest.fixture
def broken(transactional_db: None) -> Iterator[pytest.MonkeyPatch]:
    """Workers that cannot start, until this is undone."""
    with pytest.MonkeyPatch.context() as broken:
        yield broken


def break_with(error: Exception, broken: pytest.MonkeyPatch) -> None:
    async def fail(_: Runtime) -> None:
        raise error

    broken.setattr(Runtime, "start", fail)


@pytest.mark.parametrize("error", CANNOT)
async def test_a_worker_that_cannot_start_ends_its_server(
    error: Exception, broken: pytest.MonkeyPatch
) -> None:
    """With a lifespan. If it were raised, uvicorn would go on without a lifespan."""
    break_with(error, broken)
    communicator = Lifespan(application, {"type": "lifespan"})
    await communicator.send_input({"type": "lifespan.startup"})
    failed = {"type": "lifespan.startup.failed", "message": str(error)}
    assert await communicator.receive_output(10) == failed
    await communicator.wait(10)


@pytest.mark.parametrize("error", CANNOT)
async def test_a_process_whose_worker_cannot_start_is_not_ready(
    error: Exception, broken: pytest.MonkeyPatch
) -> None:
    """A server without a lifespan, at whose first connection it has failed. A probe tries again,
    so that it becomes ready without a connection."""
    break_with(error, broken)
    communicator = WebsocketCommunicator(application, "/ws/")
    await communicator.send_input({"type": "websocket.connect"})
    with pytest.raises(type(error)):
        await communicator.wait(10)
    assert list(refusals.current().recent.values()) == [1]
    assert [(await get(path))[0] for path in PROBES] == [200, 503]
    broken.undo()
    async with asyncio.timeout(TIMEOUT):
        while [(await get(path))[0] for path in PROBES] != [200, 200]:
            await asyncio.sleep(0.02)
    (worker,) = instances.running()
    assert sum(worker.refusals.recent.values()) == 1
    await worker.stop()
