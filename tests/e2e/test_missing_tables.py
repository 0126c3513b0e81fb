"""Before ``migrate``: each command and each page says in one sentence what is to be done."""

import asyncio
import re
import signal
from pathlib import Path

import httpx
import pytest
from django.apps import apps

from tests.polling import eventually, eventually_in_thread
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer

from .postgres_project import PostgresProject
from .support import ANSWERING, STARTING, Project, Visitor, connected, dialled, login

SENTENCE = re.compile(
    r"the database 'default' lacks a table or a column \(.*realtime_\w+.*\): "
    r"run `python manage\.py migrate`$",
    re.MULTILINE,
)
TABLES = [model._meta.db_table for model in apps.get_app_config("realtime").get_models()]
HISTORY = "realtime_closedsession"
RUNSERVER = ("manage.py", "runserver", "--noreload", "127.0.0.1:0")
COMMANDS = (
    ("serve", "--port", "0"),
    ("serve", "--port", "0", "--workers", "2"),
    ("sweep", "--interval", "1"),
    ("sessions",),
    ("sessions", "--history"),
    ("publish", "chat:1", "1"),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def project(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Project:
    """A project with users, and without our tables."""
    settings = {"flush_interval": 0.3, "lease": 2}
    made: Project
    if request.param == "sqlite":
        made = Project.copy(template, tmp_path, **settings)
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        made = PostgresProject.new(server.create(tmp_path.name), **settings)
    drop(made, *reversed(TABLES))  # those with foreign keys first
    made.rows("DELETE FROM django_migrations WHERE app = 'realtime'")
    return made


def drop(project: Project, *tables: str) -> None:
    for table in tables:
        project.rows(f"DROP TABLE {table}")


def test_commands_end_with_one_sentence(project: Project) -> None:
    for command in COMMANDS:
        done = project.manage(*command, check=False)
        assert done.returncode == 1, command
        assert len(SENTENCE.findall(done.stderr)) == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert "Serving on" not in done.stdout


async def test_runserver_says_it_once_until_the_tables_are_there(project: Project) -> None:
    with project.start(*RUNSERVER) as server:
        cookie = login(server, "admin")
        for _ in range(2):
            async with dialled(server, cookie) as client:
                await client.hello()
                assert (await client.closed())[0] == 4009
        assert server.status("/realtime/ready/") == 503
        health = await asyncio.to_thread(
            httpx.get, f"{server.url}/realtime/health/", timeout=ANSWERING
        )
        assert health.json()["status"] == "degraded"
        with Visitor(server) as staff:
            page = staff.login("admin").http.get("/admin/realtime/livesession/")
            assert page.status_code == 503
            assert "python manage.py migrate" in page.text
        assert server.lines_with("Traceback") == []
        [line] = [line for line in server.complaints() if " realtime." in line]
        assert SENTENCE.search(line)
        await asyncio.to_thread(project.manage, "migrate", "--verbosity=0")
        await eventually_in_thread(lambda: server.status("/realtime/ready/") == 200)
        async with connected(server, cookie):
            pass


@pytest.fixture
def on_redis(template: Path, tmp_path: Path, redis_server: RedisServer) -> Project:
    redis_server.flush()
    return Project.copy(template, tmp_path, environ={"REDIS_URL": redis_server.url})


def test_with_sessions_in_redis_the_history_alone_is_needed(on_redis: Project) -> None:
    drop(on_redis, *(table for table in TABLES if table != HISTORY))
    with on_redis.serve() as server:
        assert server.status("/realtime/ready/") == 200
        assert server.complaints() == []
    drop(on_redis, HISTORY)
    done = on_redis.manage("serve", "--port", "0", check=False)
    assert done.returncode == 1
    assert f"(no such table: {HISTORY}): run" in done.stderr


@pytest.mark.timeout(300)
def test_a_reload_that_lacks_a_migration_leaves_the_old_worker(
    template: Path, tmp_path: Path
) -> None:
    project = Project.copy(template, tmp_path)
    with project.start("manage.py", "serve", "--port", "0", "--workers", "auto") as server:
        assert server.status("/realtime/live/") == 200
        drop(project, "realtime_sample")
        server.stop(signal.SIGHUP)
        eventually(lambda: server.lines_with("no such table: realtime_sample"), within=STARTING)
        eventually(lambda: server.lines_with("reload given up"), within=STARTING)
        assert server.status("/realtime/live/") == 200
