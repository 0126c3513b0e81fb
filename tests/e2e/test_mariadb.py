"""The history in MariaDB, with the sessions in Redis; and the error without a Redis."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mariadb_server import MariaServer
from tests.polling import eventually
from tests.redis_server import RedisServer

from .support import MAKE_USERS, Project, Visitor, connected, login

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.e2e.mariadb_project"}

MIGRATE = """
from django.core.management import call_command
call_command("migrate", verbosity=0, skip_checks=True)
"""

AGE = """
from datetime import timedelta
from django.db.models import F
from realtime.models import ClosedSession
ClosedSession.objects.filter(code=1000).update(closed_at=F("closed_at") - timedelta(days=31))
"""


@pytest.fixture(scope="module")
def maria() -> Iterator[MariaServer]:
    with MariaServer() as server:
        yield server


@pytest.fixture(scope="module")
def environ(maria: MariaServer) -> dict[str, str]:
    return {**SETTINGS, "DATABASE_URL": maria.url}


@pytest.fixture(scope="module")
def project(environ: dict[str, str], redis_server: RedisServer) -> Project:
    redis_server.flush()
    project = Project(Path(), environ={**environ, "REDIS_URL": redis_server.url})
    project.shell(MIGRATE + MAKE_USERS)
    return project


async def test_the_history_is_kept_read_exported_and_pruned(project: Project) -> None:
    assert "no issues" in project.manage("check").stdout
    assert project.manage("makemigrations", "realtime", "--check").returncode == 0
    with project.serve(server="uvicorn") as server:
        cookie = login(server, "ann")
        async with connected(server, cookie) as one, connected(server, cookie) as other:
            await one.send(type="bye")
            await one.closed()
            project.manage("sessions", "--close", other.id)
            assert (await other.closed())[0] == 4500
            ids = {one.id, other.id}
        eventually(lambda: {row["id"] for row in project.sessions("--history")} == ids)
        with Visitor(server).login("admin") as admin:
            assert "ann" in admin.http.get("/admin/realtime/closedsession/").text
            lines = admin.http.get("/admin/realtime/closedsession/export/").text
            found = {row["session"]: row for row in csv.DictReader(io.StringIO(lines))}
            assert {id_: row["code"] for id_, row in found.items()} == {
                one.id: "1000",
                other.id: "4500",
            }
            # In the very second: its clock is not in another zone than ours.
            assert 0 <= float(found[one.id]["duration"]) < 60
        assert server.complaints() == []
    project.shell(AGE)
    project.sweep()
    assert [row["id"] for row in project.sessions("--history")] == [other.id]


def test_without_a_redis_it_is_said_at_once(environ: dict[str, str]) -> None:
    project = Project(Path(), environ=environ)
    for command in (["check"], ["migrate"], ["serve", "--port", "0"]):
        done = project.manage(*command, check=False)
        assert done.returncode != 0
        assert "realtime.E013" in done.stderr
        assert "redis://" in done.stderr
    done = project.manage("publish", "r", "1", "--skip-checks", check=False)
    assert done.returncode != 0
    assert "sessions cannot be kept in MySQL or MariaDB" in done.stderr
    assert "unreachable" not in done.stderr
