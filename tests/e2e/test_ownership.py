"""Two deployments with different keys on one Redis: the second refuses all clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.polling import eventually
from tests.redis_server import RedisServer

from .redis_support import PREFIX, RedisProject
from .support import Project, connected, login

APART, REMEDY = "REDIS_PREFIX", "sweep --adopt-store"


@pytest.fixture
def own(template: Path, tmp_path: Path, redis_server: RedisServer) -> Iterator[RedisProject]:
    redis_server.flush()
    yield RedisProject(template, tmp_path, redis_server)
    redis_server.flush()


@pytest.fixture
def stranger(own: RedisProject, template: Path, tmp_path: Path) -> Project:
    """Another deployment, with the default prefix as well."""
    folder = tmp_path / "another"
    folder.mkdir()
    project = RedisProject(template, folder, own.redis).project
    project.env["SECRET_KEY"] = "known to others"
    return project


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


async def test_another_deployment_ends_before_it_listens(
    own: RedisProject, stranger: Project
) -> None:
    with own.project.serve(server="uvicorn") as server:
        async with connected(server, login(server, "ann")):
            for arguments in (
                ("serve", "--port", "0"),
                ("serve", "--port", "0", "--workers", "2"),
                ("sweep",),
                ("sweep", "--interval", "5"),
                ("sessions",),
                ("publish", "r", "1"),
            ):
                done = stranger.manage(*arguments, check=False)
                assert done.returncode == 1, arguments
                assert "Serving on" not in done.stdout
                told = last_line(done.stderr)
                assert APART in told, arguments
                assert REMEDY in told, arguments
            assert own.states() == {"connected": 1}
        assert server.complaints() == []


@pytest.mark.parametrize("name", ["uvicorn", "daphne"])
async def test_plain_servers_refuse_all_clients(
    own: RedisProject, stranger: Project, name: str
) -> None:
    own.project.manage("sweep")
    with own.redis.client() as client:
        client.hset(f"{{{PREFIX}}}:history", "key", "another's")
    if name == "uvicorn":  # which starts a lifespan before it listens
        command = ("uvicorn", "--port", "0", "project.asgi:application")
        server = stranger.start(*command)
        assert server.exit_code(within=30) != 0
        eventually(lambda: server.lines_with(APART))
        server.__exit__()
        return
    with stranger.start("daphne", "-p", "0", "project.asgi:application") as server:
        with pytest.raises(Exception, match=r"HTTP \d+|closed"):
            async with connected(server, login(server, "ann")):
                pass
        assert server.lines_with(APART)
        assert own.states() == {}


def test_what_was_emptied_belongs_to_its_workers_again(
    own: RedisProject, stranger: Project
) -> None:
    with own.project.serve():
        own.redis.flush()
        with own.redis.client() as client:
            eventually(lambda: client.hget(f"{{{PREFIX}}}:history", "key"))
        assert APART in stranger.manage("sweep", check=False).stderr


def test_after_an_emergency_the_store_is_adopted(own: RedisProject, stranger: Project) -> None:
    with own.project.serve():
        pass
    assert stranger.manage("sweep", check=False).returncode == 1
    assert "belongs to this SECRET_KEY now" in stranger.manage("sweep", "--adopt-store").stdout
    with stranger.serve():
        assert own.project.manage("sweep", check=False).returncode == 1
