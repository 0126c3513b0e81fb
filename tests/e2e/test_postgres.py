"""Two workers on one PostgreSQL: one truth about a session, from its start to its history."""

import asyncio

import pytest

from tests.e2e.postgres_project import PostgresProject
from tests.e2e.support import connected, login, soon
from tests.postgres_server import PostgresServer


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
            await soon(lambda: project.state(first.id) == "suspended", within=5)
        async with connected(one, ann, resume=first.ticket) as second:
            assert second.welcome["resumed"] is True
            await asyncio.to_thread(one.kill)
            await soon(lambda: project.state(first.id) == "suspended")
        async with connected(two, ann, resume=first.ticket) as third:
            assert third.welcome["resumed"] is True
            assert third.id == first.id
            assert project.count("connected") == 1
            await third.send(type="bye")
            await third.closed()
        row = await asyncio.to_thread(project.history, first.id)
        assert (row["code"], row["resumes"], row["username"]) == (1000, 2, "ann")
        assert project.rows("SELECT id FROM realtime_livesession") == []
        recorded = project.rows("SELECT session FROM realtime_closedsession")
        assert [each["session"] for each in recorded] == [first.id]
        assert two.complaints() == []
