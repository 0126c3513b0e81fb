"""Disconnecting a session: from the shell, and from the admin."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .support import Client, Project, Server, Visitor, connected, dialled, login

LIST = "/admin/realtime/livesession/"
DISCONNECT = "/admin/realtime/livesession/disconnect/"
TWO_FLUSHES = 2.0


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.copy(template, tmp_path_factory.mktemp("sessions"), flush_interval=1)


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with project.serve() as process:
        yield process


@pytest.fixture(scope="module")
def cookie(server: Server) -> str:
    return login(server, "ann")


@pytest.fixture(scope="module")
def admin(server: Server) -> Iterator[Visitor]:
    with Visitor(server) as visitor:
        yield visitor.login("admin")


async def told(client: Client, reason: str) -> None:
    """Goodbye and close say 4500 and this reason."""
    assert await client.closed(within=4) == (4500, reason)
    goodbye = client.of("goodbye")[0]
    assert (goodbye["code"], goodbye["reason"], goodbye["reconnect"]) == (4500, reason, False)


async def test_the_command_reaches_the_socket(
    project: Project, server: Server, cookie: str
) -> None:
    async with connected(server, cookie) as client, connected(server, cookie) as other:
        done = await asyncio.to_thread(
            project.manage, "sessions", "--close", client.id, "--reason", "maintenance"
        )
        returned = time.monotonic()
        assert done.stdout == "The session will be disconnected.\n"
        await told(client, "maintenance")
        assert client.ended_at - returned < TWO_FLUSHES
        assert other.end is None
    row = project.history(client.id)
    assert (row["code"], row["reason"]) == (4500, "maintenance")
    async with connected(server, cookie) as again:  # no ban
        assert again.welcome["resumed"] is False


async def test_without_a_reason_the_codes_own_is_given(
    project: Project, server: Server, cookie: str
) -> None:
    async with connected(server, cookie) as client:
        await asyncio.to_thread(project.manage, "sessions", "--close", client.id)
        await told(client, "disconnected by an administrator")


def test_an_unknown_id_is_said_with_status_1(project: Project) -> None:
    done = project.manage("sessions", "--close", "unknown", check=False)
    assert done.returncode == 1
    assert done.stderr == "CommandError: there is no session unknown\n"


async def test_the_list_is_one_json_array(project: Project, server: Server, cookie: str) -> None:
    async with connected(server, cookie) as client:
        row = await asyncio.to_thread(project.session, client.id)
    assert list(row) == [
        "id", "user", "state", "worker", "address", "connected_at", "uptime_seconds",
        "latency_ms", "missed", "rooms", "last_beat", "username", "pings", "pongs", "resumes",
    ]  # fmt: skip


async def test_the_admin_asks_then_disconnects_and_logs_it(
    project: Project, server: Server, cookie: str, admin: Visitor
) -> None:
    async with connected(server, cookie) as client, connected(server, cookie) as other:
        assert client.id in admin.http.get(LIST).text
        chosen = {"session": client.id, "scope": "sessions"}
        question = admin.submit(DISCONNECT, **chosen)
        assert question.status_code == 200
        assert "will be disconnected now" in question.text
        assert client.end is None
        answer = admin.submit(DISCONNECT, **chosen, confirmed="yes", reason="out of hours")
        clicked = time.monotonic()
        assert answer.status_code == 302
        await told(client, "out of hours")
        assert client.ended_at - clicked < TWO_FLUSHES
        assert other.end is None
    [entry] = project.rows(
        "SELECT object_id, change_message FROM django_admin_log ORDER BY id DESC LIMIT 1"
    )
    assert client.id.startswith(entry["object_id"])
    assert "out of hours" in entry["change_message"]


async def test_other_users_may_not_disconnect(server: Server, cookie: str) -> None:
    with Visitor(server) as ann:
        ann.login("ann")
        async with connected(server, cookie) as client:
            answer = ann.submit(DISCONNECT, session=client.id, confirmed="yes")
            assert answer.status_code == 302
            assert "login" in answer.headers["location"]
            await client.send(type="ping", sequence=1)
            await client.frame("pong")
            assert client.end is None


async def test_the_health_page_shows_connections_to_staff_only(
    server: Server, cookie: str, admin: Visitor
) -> None:
    async with connected(server, cookie) as client:
        with Visitor(server) as anyone:
            assert "connections" not in anyone.http.get("/realtime/health/").json()
        body = admin.http.get("/realtime/health/").json()
        assert client.id in {row["id"] for row in body["connections"]}
        assert body["status"] == "ok"


async def test_the_log_has_no_tokens_and_no_complaints(server: Server, cookie: str) -> None:
    async with connected(server, cookie) as client, dialled(server):
        log = "".join(server.log)
        assert client.welcome["token"] not in log
        assert cookie.rpartition("=")[2] not in log
        assert server.complaints() == []
