"""A server of the application with rooms, and a process beside it that publishes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.redis_server import RedisServer

from .shell_process import PUBLISH, ShellProcess, shell_process
from .support import Client, Project, Rooms, Server, connected, crowd, login


@dataclass(frozen=True)
class RoomServer:
    """The server, the process that publishes, and the Cookie header of the user ann."""

    server: Server
    publisher: ShellProcess
    cookie: str

    @asynccontextmanager
    async def client(
        self, rooms: Rooms | None = None, *, cookie: str = "", **options: Any
    ) -> AsyncIterator[Client]:
        """A client in these rooms, of ann unless another ``cookie`` is given."""
        cookie = cookie or self.cookie
        async with connected(self.server, cookie, rooms=rooms or {}, **options) as client:
            yield client

    @asynccontextmanager
    async def crowd(self, size: int, *rooms: str) -> AsyncIterator[list[Client]]:
        """``size`` clients in these rooms."""
        names = dict.fromkeys(rooms)
        async with crowd(self.server, self.cookie, size, rooms=names) as clients:
            yield clients


def rooms_project(
    template: Path,
    folder: Path,
    *,
    application: str = "rooms",
    environ: dict[str, str] | None = None,
    **settings: object,
) -> Project:
    """A project with the application of rooms, or another one whose settings are here."""
    own = {
        "DJANGO_SETTINGS_MODULE": f"tests.e2e.{application}_project",
        "SIGNAL_LOG": str(folder / "signals"),
    }
    return Project.copy(template, folder, environ=own | (environ or {}), **settings)


@contextmanager
def serve_rooms(
    template: Path,
    folder: Path,
    kind: str,
    *,
    redis: RedisServer | None = None,
    script: str = PUBLISH,
    application: str = "rooms",
    **settings: object,
) -> Iterator[RoomServer]:
    """Start the server and the process; sessions and rooms are in Redis if one is given."""
    environ = {}
    if redis is not None:
        redis.flush()
        environ["REDIS_URL"] = redis.url
    project = rooms_project(template, folder, application=application, environ=environ, **settings)
    with project.serve(server=kind) as server, shell_process(project, script) as publisher:
        yield RoomServer(server, publisher, login(server, "ann"))


def unique_room() -> str:
    """The name of a room that no other test uses."""
    return f"chat:{uuid4().hex}"
