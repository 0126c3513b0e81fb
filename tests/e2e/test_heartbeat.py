"""The heartbeat over a real server: who stays, who goes, and when."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.polling import eventually_in_thread

from .support import Client, Frame, Project, Server, connected, dialled, login, pong, silent


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("heartbeat")
    return Project.copy(template, folder, ping_interval=1, pong_timeout=0.5, session_timeout=6)


@pytest.fixture(scope="module")
def server(project: Project, request: pytest.FixtureRequest) -> Iterator[Server]:
    with project.serve(server=getattr(request, "param", "daphne")) as process:
        yield process


on_both = pytest.mark.parametrize("server", ["daphne", "uvicorn"], indirect=True)


@pytest.fixture(scope="module")
def cookie(server: Server) -> str:
    return login(server, "ann")


def stored(project: Project, client: Client) -> dict[str, Any]:
    return project.rows("SELECT * FROM realtime_livesession WHERE id = ?", client.id)[0]


async def talk(client: Client) -> None:
    """Say something well-formed again and again."""
    while client.end is None:
        await client.send(type="visibility", state="visible")
        await asyncio.sleep(0.1)


async def test_who_answers_stays(project: Project, server: Server, cookie: str) -> None:
    """Nothing but pongs for longer than SESSION_TIMEOUT, and the beats keep their rhythm."""
    times: list[float] = []

    def note(ping: Frame) -> Frame:
        times.append(time.monotonic())
        return pong(ping)

    async with connected(server, cookie, answer=note) as client:
        await client.frame("ping", number=8)
        seen = await asyncio.to_thread(project.session, client.id)
        row = stored(project, client)
        assert client.end is None
    assert (seen["state"], seen["missed"]) == ("connected", 0)
    assert 0 < seen["latency_ms"] < 500
    assert seen["uptime_seconds"] > 7
    assert (row["misses"], row["invalid_pongs"]) == (0, 0)
    assert row["frames_in"] <= 1 + len(times)  # hello and pongs
    assert [ping["sequence"] for ping in client.of("ping")][:8] == list(range(1, 9))
    assert 0.4 < times[0] - client.began < 1.2  # a random half to whole interval
    assert times[7] - times[0] == pytest.approx(7, abs=0.15)  # lateness does not add up


@on_both
async def test_who_never_answers_is_closed(project: Project, server: Server, cookie: str) -> None:
    async with connected(server, cookie, answer=silent) as client:
        assert await client.closed(within=4) == (4002, "heartbeat timeout")
        took = client.ended_at - client.began
        goodbye = client.of("goodbye")[0]
        assert project.state(client.id) == "suspended"  # the store knew it first
    assert took < 3
    assert (goodbye["code"], goodbye["reconnect"]) == (4002, True)
    assert client.frames[-1] is goodbye
    assert len(client.of("ping")) == 3


async def test_who_answers_the_third_ping_stays_with_no_misses(
    project: Project, server: Server, cookie: str
) -> None:
    def from_the_third(ping: Frame) -> Frame | None:
        return pong(ping) if ping["sequence"] >= 3 else None

    async with connected(server, cookie, answer=from_the_third) as client:
        await client.frame("ping", number=5)
        seen = await asyncio.to_thread(project.session, client.id)
        total = stored(project, client)["misses"]
        assert client.end is None
    assert seen["missed"] == 0
    assert total == 2


WRONG: dict[str, Callable[[int], int]] = {
    "ahead": lambda sequence: sequence + 1,
    "never sent": lambda _: 0,
    "repeated": lambda _: 1,
}


async def test_wrong_and_repeated_sequences_extend_nothing(
    project: Project, server: Server, cookie: str
) -> None:
    """One valid pong, the first of the repeated ones, is worth one interval."""
    never, ahead, repeated = await asyncio.gather(
        *(misled(server, cookie, WRONG[how]) for how in ("never sent", "ahead", "repeated"))
    )
    for client in (never, ahead):
        assert client.ended_at - client.began < 3
        assert counted(project, client) == (0, 3)
    assert repeated.ended_at - repeated.began < 4
    assert counted(project, repeated) == (1, 3)


async def misled(server: Server, cookie: str, wrong: Callable[[int], int]) -> Client:
    """A client whose pongs carry other sequences, after its end."""

    def answer(ping: Frame) -> Frame:
        return {**pong(ping), "sequence": wrong(ping["sequence"])}

    async with connected(server, cookie, answer=answer) as client:
        assert (await client.closed(within=5))[0] == 4002
    return client


def counted(project: Project, client: Client) -> tuple[int, int]:
    row = stored(project, client)
    return row["pongs"], row["invalid_pongs"]


async def test_who_talks_and_never_answers_ends_at_the_session_timeout(
    server: Server, cookie: str
) -> None:
    async with connected(server, cookie, answer=silent) as client:
        talking = asyncio.create_task(talk(client))
        assert await client.closed(within=8) == (4002, "heartbeat timeout")
        talking.cancel()
    assert 5.5 < client.ended_at - client.began < 7


async def test_the_clients_own_ping_is_answered_with_every_field(
    server: Server, cookie: str
) -> None:
    async with connected(server, cookie) as client:
        sent = round(time.time() * 1000)
        await client.send(type="ping", sequence=3, client_time=sent)
        answer = await client.frame("pong", within=1)
    assert set(answer) == {
        "type", "sequence", "client_time", "server_time", "timestamp", "status", "online",
    }  # fmt: skip
    assert (answer["sequence"], answer["client_time"], answer["status"]) == (3, sent, "pong")
    assert abs(answer["server_time"] - sent) < 2000
    assert answer["timestamp"].endswith("Z")
    assert answer["online"] >= 1


async def test_the_servers_ping_has_every_field(server: Server, cookie: str) -> None:
    async with connected(server, cookie) as client:
        ping = await client.frame("ping")
    assert set(ping) == {"type", "sequence", "timestamp", "server_time", "delivered"}
    assert (ping["sequence"], ping["delivered"]) == (1, 0)


async def test_visibility_is_stored_and_a_hidden_page_is_alive(
    project: Project, server: Server, cookie: str
) -> None:
    async with connected(server, cookie) as client:
        await client.send(type="visibility", state="hidden")
        await eventually_in_thread(
            lambda: stored(project, client)["visibility"] == "hidden", within=3
        )
        assert project.state(client.id) == "connected"
        await client.send(type="visibility", state="visible")
        await eventually_in_thread(
            lambda: stored(project, client)["visibility"] == "visible", within=3
        )


@on_both
async def test_bye_closes_for_good(project: Project, server: Server, cookie: str) -> None:
    async with connected(server, cookie) as client:
        await client.send(type="bye")
        assert (await client.closed())[0] == 1000
    assert project.history(client.id)["code"] == 1000
    await eventually_in_thread(lambda: project.state(client.id) == "closed", within=3)


async def test_a_client_that_does_not_introduce_itself_is_turned_away(
    project: Project, cookie: str
) -> None:
    with project.serve(hello_timeout=0.5) as hasty:
        async with dialled(hasty, cookie) as client:
            assert await client.closed(within=3) == (4005, "no hello in time")
        assert hasty.complaints() == []
