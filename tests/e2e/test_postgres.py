"""Two workers on one PostgreSQL: one truth about a session, from its start to its history."""

import asyncio

import pytest

from tests.polling import TIMEOUT, eventually_in_thread
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer

from .postgres_project import PostgresProject
from .support import Client, connected, dialled, login


@pytest.fixture
def project(postgres_server: PostgresServer) -> PostgresProject:
    url = postgres_server.create("project")
    return PostgresProject.new(
        url, ping_interval=0.3, flush_interval=0.3, lease=2, resume_window=30, sweep_interval=0.5
    )


async def test_a_session_goes_on_at_another_worker_and_is_recorded_once(
    project: PostgresProject,
) -> None:
    with project.serve() as one, project.serve() as two:
        ann = login(one, "ann")
        async with connected(one, ann) as first:
            await first.frame("ping", number=2)
            await first.lose()
            await eventually_in_thread(lambda: project.state(first.id) == "suspended", within=5)
        async with connected(one, ann, resume=first.ticket) as second:
            assert second.welcome["resumed"] is True
            await asyncio.to_thread(one.kill)
            await eventually_in_thread(lambda: project.state(first.id) == "suspended")
        async with connected(two, ann, resume=first.ticket) as third:
            assert third.welcome["resumed"] is True
            assert third.id == first.id
            assert project.count("connected") == 1
            await third.send(type="bye")
            await third.closed()
        row = await asyncio.to_thread(project.history, first.id)
        assert (row["code"], row["resumes"], row["username"]) == (1000, 2, "ann")
        await eventually_in_thread(lambda: not project.rows("SELECT id FROM realtime_livesession"))
        recorded = project.rows("SELECT session FROM realtime_closedsession")
        assert [each["session"] for each in recorded] == [first.id]
        assert two.complaints() == []


@pytest.mark.parametrize("checks", [True, False])
async def test_handlers_that_ask_the_orm_go_on_when_backends_were_ended(
    postgres_server: PostgresServer, redis_server: RedisServer, checks: bool
) -> None:
    """With health checks no call fails; without, one call of the only thread fails, as a request
    would."""
    redis_server.flush()
    project = PostgresProject.new(postgres_server.create(f"orm_{checks}".lower()))
    project.env |= {
        "DJANGO_SETTINGS_MODULE": "tests.e2e.orm_project",
        "REDIS_URL": redis_server.url,
        "CHECKS": "1" if checks else "",
        "REALTIME_HANDLER_THREADS": "1",
    }
    with project.serve() as server:
        async with connected(server) as client:
            assert await answers(client, 1) == ["joined", "ack"]
            project.rows(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            first, *others = [await answers(client, number) for number in (3, 5, 7)]
            assert (first == ["joined", "ack"]) is checks
            assert others == [["joined", "ack"]] * 2
        async with dialled(server) as newcomer:
            await newcomer.send(type="hello", protocol=1, rooms={"chat:9": None})
            await newcomer.frame("welcome")


async def answers(client: Client, number: int) -> list[str]:
    """The answers to a join of a room and a message in it, whose ids begin with this."""
    room = f"chat:{number}"
    await client.send(type="join", room=room, id=number)
    await client.send(type="message", room=room, id=number + 1, key=f"k{number}", data=1)

    def told() -> list[str]:
        return [frame["type"] for frame in client.frames if frame.get("id") in (number, number + 1)]

    await client.until(lambda: len(told()) == 2, within=TIMEOUT, what=room)
    return told()
