"""ASGI middleware of others around our application: it sees connections and defects, and takes
nothing from the protocol."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.e2e.support import Client, connected, login, silent
from tests.polling import eventually

from .host_project import HostProject

pytestmark = pytest.mark.matrix

SERVERS = ["daphne", "uvicorn"]


def project_of(name: str, template: Path, folder: Path) -> HostProject:
    environ = {
        "DJANGO_SETTINGS_MODULE": f"tests.hosts.{name}_project",
        "REPORTS": str(folder / "reports"),
    }
    database = Path(shutil.copy(template, folder / "db.sqlite3"))
    return HostProject(database, environ=environ, ping_interval=1, pong_timeout=1, drain_spread=0)


@pytest.mark.parametrize("name", ["sentry", "telemetry"])
@pytest.mark.parametrize("kind", SERVERS)
async def test_the_protocol_is_whole(name: str, kind: str, template: Path, tmp_path: Path) -> None:
    project = project_of(name, template, tmp_path)
    with project.serve(server=kind) as server:
        cookie = login(server, "ann")
        async with (
            connected(server, cookie, rooms={"chat:1": None}) as client,
            connected(server, cookie, answer=silent) as quiet,
        ):
            await speak(client, "hello")
            assert (await client.frame("publication"))["data"] == "hello"
            assert await quiet.closed(within=30) == (4002, "heartbeat timeout")
            server.stop()
            assert await client.closed() == (1001, "server shutting down")
            assert await asyncio.to_thread(server.exit_code) == 0
    assert project.state(client.id) == "suspended"
    assert server.complaints() == []


@pytest.mark.parametrize("name", ["sentry", "telemetry"])
async def test_it_reports(name: str, template: Path, tmp_path: Path) -> None:
    """Sentry a handler's defect, by way of the log; OpenTelemetry a span of the connection."""
    project, reports = project_of(name, template, tmp_path), tmp_path / "reports"
    expected = {"sentry": "ZeroDivisionError", "telemetry": '"/ws/'}[name]
    with project.serve() as server:
        async with connected(server, login(server, "ann"), rooms={"chat:1": None}) as client:
            await speak(client, "fail")
            await client.frame("error")
        eventually(lambda: expected in reports.read_text(), what=expected)
        eventually(lambda: "websocket" in reports.read_text(), what="the connection")


async def speak(client: Client, data: str) -> None:
    await client.send(type="message", id=1, room="chat:1", data=data, key=data)
