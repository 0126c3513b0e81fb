"""Coming back: the same session, or a new one without a reason."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.polling import eventually, eventually_in_thread

from .support import Client, Frame, Project, Server, Visitor, connected, dialled, login

Kick = Callable[[Project, str], tuple[int, str]]

# The fields that differ between any two welcomes.
OWN = ("session", "token", "server_time", "user", "rooms")


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.copy(
        template, tmp_path_factory.mktemp("resume"), ping_interval=0.5, resume_window=3,
        flush_interval=0.3, sweep_interval=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with project.serve() as process:
        yield process


@pytest.fixture(scope="module")
def ann(server: Server) -> str:
    return login(server, "ann")


@pytest.fixture(scope="module")
def bob(server: Server) -> str:
    return login(server, "bob")


def words(welcome: Frame) -> Frame:
    return {key: value for key, value in welcome.items() if key not in OWN}


async def test_a_broken_line_resumes_the_session(
    project: Project, server: Server, ann: str
) -> None:
    async with connected(server, ann) as first:
        welcomed = time.monotonic()
        await first.frame("ping", number=2)
        started = (await asyncio.to_thread(project.session, first.id))["connected_at"]
        await first.lose()
        await eventually_in_thread(lambda: project.state(first.id) == "suspended")
    async with connected(server, ann, resume=first.ticket) as second:
        assert second.welcome["resumed"] is True
        assert second.ticket == first.ticket
        at_least = time.monotonic() - welcomed  # proofs of life count, the last one a pong
        await second.frame("ping", number=2)
        now = await asyncio.to_thread(project.session, first.id)
        assert (now["state"], now["connected_at"]) == ("connected", started)
        await second.send(type="bye")
        await second.closed()
    row = project.history(first.id)
    assert row["resumes"] == 1
    # Of each connection the last ping may still have been under way, and the last pong.
    heard = len(first.of("ping")) + len(second.of("ping"))
    assert heard <= row["pings"] <= heard + 2
    assert row["pings"] - 2 <= row["pongs"] <= row["pings"]
    frames = len(first.frames) + len(second.frames) - 1  # not the goodbye
    assert frames <= row["frames_out"] <= frames + 2
    at_most = time.monotonic() - first.began
    assert at_least - 0.01 <= row["duration"] <= at_most + 0.01  # two clocks, in milliseconds


async def test_while_the_old_connection_stands_it_is_taken_over(
    project: Project, server: Server, ann: str
) -> None:
    async with connected(server, ann) as old:
        async with connected(server, ann, resume=old.ticket) as new:
            assert new.welcome["resumed"] is True
            assert new.id == old.id
            assert await old.closed() == (4506, "session continued elsewhere")
            assert old.of("goodbye")[0]["reconnect"] is False
            await new.frame("ping", number=2)
            assert project.state(new.id) == "connected"
            assert len(project.sessions("--state", "connected")) == 1
        await eventually_in_thread(lambda: project.state(new.id) == "suspended")


async def test_elsewhere_may_be_another_server(project: Project, server: Server, ann: str) -> None:
    with project.serve() as other:
        async with (
            connected(server, ann) as old,
            connected(other, ann, resume=old.ticket) as new,
        ):
            assert new.welcome["resumed"] is True
            assert (await old.closed())[0] == 4506
            await new.frame("ping", number=2)
            assert project.state(new.id) == "connected"


async def refused(server: Server, cookie: str, ticket: Frame) -> Client:
    """A client whose wish to resume was not granted."""
    async with connected(server, cookie, resume=ticket) as client:
        assert client.welcome["resumed"] is False
        assert client.id != ticket["session"]
        assert client.welcome["token"] != ticket["token"]
        assert [frame["type"] for frame in client.frames] == ["welcome"]
        await client.send(type="bye")
        await client.closed()
    return client


async def test_every_failed_resume_gives_a_new_session_with_the_same_answer(
    project: Project, server: Server, ann: str, bob: str
) -> None:
    async with connected(server, ann) as fresh:
        pass
    async with connected(server, ann) as gone:
        await gone.send(type="bye")
        await gone.closed()
    async with connected(server, ann) as owner:
        tried = [
            await refused(server, ann, {"session": "unknown", "token": "unknown"}),
            await refused(server, ann, {**owner.ticket, "token": "wrong"}),
            await refused(server, bob, owner.ticket),
            await refused(server, ann, gone.ticket),
        ]
        beats = len(owner.of("ping"))
        await owner.frame("ping", number=beats + 2)
        assert owner.end is None
        assert project.rows(
            "SELECT generation, state FROM realtime_livesession WHERE id = ?", owner.id
        ) == [{"generation": 1, "state": "connected"}]
    # Suspended it is as safe, and still its owner's.
    await eventually_in_thread(lambda: project.state(owner.id) == "suspended")
    tried.append(await refused(server, bob, owner.ticket))
    async with connected(server, ann, resume=owner.ticket) as back:
        assert back.welcome["resumed"] is True
    for client in tried:
        assert words(client.welcome) == words(fresh.welcome)


async def test_expired_swept_or_not_is_a_new_session(
    project: Project, server: Server, ann: str
) -> None:
    async with connected(server, ann) as client:
        await client.lose()
    await eventually_in_thread(lambda: project.state(client.id) == "suspended")
    query = "SELECT deadline FROM realtime_livesession WHERE id = ?"
    [row] = project.rows(query, client.id)
    eventually(lambda: time.time() * 1000 > row["deadline"], within=4)
    await refused(server, ann, client.ticket)
    assert project.state(client.id) == "suspended"  # not swept yet
    project.sweep()
    assert project.state(client.id) == "closed"
    await refused(server, ann, client.ticket)


def close_by_command(project: Project, id_: str) -> tuple[int, str]:
    project.manage("sessions", "--close", id_)
    return 4500, "disconnected by an administrator"


def kick_with_a_code_of_its_own(project: Project, id_: str) -> tuple[int, str]:
    project.shell(f"from realtime.api import kick; kick({id_!r}, code=4700, reason='moved')")
    return 4700, "moved"


@pytest.mark.parametrize("kick", [close_by_command, kick_with_a_code_of_its_own])
async def test_a_kick_of_a_client_that_is_away_is_told_when_it_comes_back(
    project: Project, server: Server, ann: str, bob: str, kick: Kick
) -> None:
    async with connected(server, ann) as client:
        await client.lose()
    await eventually_in_thread(lambda: project.state(client.id) == "suspended")
    end = await asyncio.to_thread(kick, project, client.id)
    await goodbye(server, ann, client.ticket, end)
    project.sweep()
    assert project.state(client.id) == "closed"
    await goodbye(server, ann, client.ticket, end)
    await refused(server, bob, client.ticket)
    await refused(server, ann, {**client.ticket, "token": "wrong"})
    async with connected(server, ann) as anew:  # its user has asked for it
        assert anew.welcome["resumed"] is False
    assert project.history(client.id)["code"] == end[0]
    assert server.lines_with("refus") == []  # it was answered


async def goodbye(server: Server, cookie: str, ticket: Frame, end: tuple[int, str]) -> None:
    """Nothing but the goodbye of a session that has ended like this."""
    async with dialled(server, cookie) as client:
        await client.hello(ticket)
        assert await client.closed() == end
        code, reason = end
        expected = {"type": "goodbye", "code": code, "reason": reason, "reconnect": False}
        assert client.frames == [expected]


async def test_who_logs_in_again_within_the_window_starts_anew(
    project: Project, server: Server
) -> None:
    """In the same tab: it still has the session of the login before."""
    with Visitor(server) as visitor:
        visitor.login("ann")
        async with connected(server, visitor.cookie) as client:
            await client.lose()
        await eventually_in_thread(lambda: project.state(client.id) == "suspended")
        await asyncio.to_thread(visitor.logout)
    async with dialled(server, login(server, "ann")) as again:
        await again.hello(client.ticket)
        assert (await again.frame("welcome"))["resumed"] is False


async def test_a_bye_leaves_nothing_to_resume_and_a_server_without_complaints(
    server: Server,
) -> None:
    assert server.complaints() == []
