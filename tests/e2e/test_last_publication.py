"""The last publication has no successor, so only an audit reveals that it is missing."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.redis_server import RedisServer

from .room_server import rooms_project
from .shell_process import ShellProcess, shell_process
from .support import Client, Project, Server, connected, login

BEAT, NEVER = 1.0, 3600.0
GRACE = 3.0  # on a machine that is busy with other tests

ROOM = "chat:last"


@contextmanager
def two_servers(
    template: Path, folder: Path, environ: dict[str, str], **settings: Any
) -> Iterator[tuple[Project, Sequence[Server]]]:
    """A project, and one server of each kind that start at the same time."""
    project = rooms_project(template, folder, environ=environ, **settings)
    with ExitStack() as stack:
        servers = [stack.push(project.serve(server=kind)) for kind in ("daphne", "uvicorn")]
        assert all(server.port for server in servers)
        yield project, servers


@asynccontextmanager
async def members(servers: Sequence[Server]) -> AsyncIterator[list[Client]]:
    """A client of each server, in the room."""
    async with AsyncExitStack() as stack:
        clients = []
        for server in servers:
            entering = connected(server, login(server, "ann"), rooms={ROOM: None})
            clients.append(await stack.enter_async_context(entering))
        yield clients


async def all_hear(clients: Sequence[Client], *data: Any, within: float) -> None:
    """Exactly these have come to each of them."""
    for client in clients:
        await client.frame("publication", number=len(data), within=within)
        assert [frame["data"] for frame in client.of("publication")] == list(data)


async def test_what_a_layer_has_lost_comes_with_the_next_beat(
    template: Path, tmp_path: Path, redis_server: RedisServer
) -> None:
    redis_server.flush()
    with RedisServer() as layer:
        environ = {"REDIS_URL": layer.url, "REALTIME_STORE": redis_server.url}
        with (
            two_servers(template, tmp_path, environ, ping_interval=BEAT) as (project, servers),
            shell_process(project) as other,
        ):
            async with members(servers) as clients:
                for client in clients:
                    await client.frame("ping", number=5)  # later than the audits after a join
                await publish_in_outages(layer, other, clients)
            complaints = [line for server in servers for line in server.complaints()]
            assert complaints == []


async def publish_in_outages(
    layer: RedisServer, other: ShellProcess, clients: Sequence[Client]
) -> None:
    with layer.client() as killer:
        killer.client_kill_filter(_type="pubsub")
    await other.publish(ROOM, "connections killed")
    await all_hear(clients, "connections killed", within=BEAT + GRACE)
    layer.freeze()
    await other.publish(ROOM, "frozen")
    await all_hear(clients, "connections killed", "frozen", within=BEAT + GRACE)
    layer.thaw()  # what was on its way comes late, and changes nothing
    layer.kill()
    await other.publish(ROOM, "killed")
    await all_hear(clients, "connections killed", "frozen", "killed", within=BEAT + GRACE)


async def test_without_a_layer_between_them_workers_look_every_second(
    template: Path, tmp_path: Path
) -> None:
    """The database store, and the demo's layer, which does not leave its process."""
    with (
        two_servers(template, tmp_path, {}, ping_interval=NEVER, session_timeout=2 * NEVER) as (
            project,
            servers,
        ),
        shell_process(project) as other,
    ):
        async with members(servers) as clients:
            delays = [await how_long(other, clients, number) for number in range(1, 4)]
            assert min(delays) < 1.0 + GRACE / 2
            speaker, listener = clients
            await speaker.send(type="message", id=1, room=ROOM, data="said", key="k")
            await speaker.frame("publication", number=4, within=0.5)
            await listener.frame("publication", number=4, within=1.0 + GRACE)


async def how_long(other: ShellProcess, clients: Sequence[Client], number: int) -> float:
    """Publish the last one; seconds until every client has it."""
    began = time.monotonic()
    await other.publish(ROOM, number)
    await all_hear(clients, *range(1, number + 1), within=1.0 + GRACE)
    return time.monotonic() - began
