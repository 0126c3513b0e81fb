"""Workers whose wall clocks differ by an hour: the store's clock decides, so nothing changes."""

import copy
import time
from collections import Counter
from pathlib import Path

from tests.e2e.redis_support import RedisProject
from tests.e2e.support import Project, crowd, login, soon
from tests.redis_server import RedisServer

HOUR = 3600


def an_hour_ahead(project: Project) -> Project:
    """The same project on a machine whose wall clock is wrong; its monotonic one is not."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    ahead = copy.copy(project)
    ahead.env = {
        **project.env,
        "LD_PRELOAD": str(library),
        "FAKETIME": "+1h",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return ahead


async def test_an_hour_apart(template: Path, tmp_path: Path, redis_server: RedisServer) -> None:
    redis_server.flush()
    registry = RedisProject(template, tmp_path, redis_server, ping_interval=1.0)
    with an_hour_ahead(registry.project).serve() as ahead, registry.project.serve() as right:
        cookie = login(right, "ann")
        async with crowd(ahead, cookie, 5) as lost, crowd(right, cookie, 5) as neighbours:
            clients = [*lost, *neighbours]
            skew = lost[0].welcome["server_time"] - neighbours[0].welcome["server_time"]
            assert abs(skew / 1000 - HOUR) < 60  # or it would show nothing
            await soon(lambda: min(len(client.of("ping")) for client in clients) > 3)
            assert registry.holds(clients)  # several leases later
            assert all(abs(s.last_beat / 1000 - time.time()) < 60 for s in registry.sessions())
            ahead.kill()
            await soon(lambda: registry.states() == {"connected": 5, "suspended": 5}, within=6)
            tickets = [client.ticket for client in lost[:2]]
            async with crowd(right, cookie, 0, tickets) as back:
                assert all(client.welcome["resumed"] for client in back)
                gone = Counter(client.id for client in lost[2:])
                await soon(lambda: registry.rows() == gone)
                for client in lost[2:]:
                    assert 0 < registry.project.history(client.id)["duration"] < 60
        assert registry.signals("closed") == gone
        assert right.complaints() == []
