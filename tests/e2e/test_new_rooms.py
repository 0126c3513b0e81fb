"""A client that names rooms without end leaves nothing in Redis, and cannot go on for ever."""

from contextlib import AsyncExitStack
from pathlib import Path

from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer

from .redis_support import RedisProject, keys_of
from .support import Client, Server, dialled, login

A_HELLO = 100  # rooms


async def come(client: Client, prefix: str) -> dict[str, str]:
    """A hello with as many rooms as there may be; those that are refused, and why."""
    rooms = {f"chat:{prefix}-{number}": None for number in range(A_HELLO)}
    await client.send(type="hello", protocol=1, rooms=rooms)
    welcome = await client.frame("welcome")
    lacking = rooms.keys() - welcome["rooms"].keys()
    if lacking:
        await client.frame("error", number=len(lacking))
    return {frame["room"]: frame["code"] for frame in client.of("error")}


async def leave(server: Server, cookie: str, prefix: str) -> dict[str, str]:
    async with dialled(server, cookie) as client:
        refused = await come(client, prefix)
        await client.send(type="bye")
        await client.closed()
        return refused


async def test_rooms_that_nothing_is_published_to_cost_nothing(
    template: Path, tmp_path: Path, redis_server: RedisServer
) -> None:
    redis_server.flush()
    mine = RedisProject(template, tmp_path, redis_server)
    with mine.project.serve(server="uvicorn") as server:
        cookie = login(server, "ann")
        await leave(server, cookie, "first")
        async with AsyncExitStack() as stack:
            stays = await stack.enter_async_context(dialled(server, cookie))
            assert await come(stays, "first") == {}  # they were counted before
            assert await leave(server, cookie, "second") == {}
            refused = await leave(server, cookie, "third")
            assert set(refused.values()) == {"rate_limited"}
            assert len(refused) > A_HELLO / 2
            # Non-members publish first: no member gets another epoch.
            mine.project.manage("publish", "chat:first-7", '"hello"')
            publication = await stays.frame("publication")
            assert (publication["room"], publication["offset"]) == ("chat:first-7", 1)
            assert stays.of("joined") == []
            await stays.send(type="bye")
            await stays.closed()
        await eventually_in_thread(lambda: not mine.states())
        left = {key for key in keys_of(redis_server) if "chat:" in key}
        assert left == {f"{{realtime}}:log:chat:first-7/{name}" for name in ("meta", "entries")}
