"""Publishing from any process: what is published is in the log, workers hear of it, and their
clients get it at once.

First from processes that are about to end, and from those they fork; then to clients of two
workers, whose heartbeat is so rare that only a hint explains what they see.
"""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from realtime.store.params import StoreParams
from realtime.store.redis import blocking_store
from realtime.store.timeouts import Timeouts
from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer

from .room_server import rooms_project
from .shell_process import ShellProcess, shell_process
from .support import Client, Project, Server, connected, login

PATIENCE = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def project(
    template: Path, tmp_path_factory: pytest.TempPathFactory, server: RedisServer
) -> Project:
    environ = {"REDIS_URL": server.url, "REALTIME_STORE": server.url}
    return Project.copy(template, tmp_path_factory.mktemp("publish"), environ=environ)


class GroupListener:
    """Receives everything that is sent to groups, like a worker with a client in each room."""

    def __init__(self, client: redis.Redis) -> None:
        self._pubsub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._pubsub.psubscribe("*__group__*")
        self._pubsub.get_message(timeout=PATIENCE)
        self.messages = 0

    def publications(self, count: int) -> list[Any]:
        """The data of so many publications, as they are announced."""
        received: list[Any] = []
        while len(received) < count:
            received += [data for *_, data in self._next()[3]]
        return received

    def wait_for_offset(self, offset: int) -> None:
        """Wait until a room's announced offset is this one or beyond."""
        while self._next()[2] < offset:
            pass

    def _next(self) -> list[Any]:
        """The next batch: room, epoch, the newest offset, and the publications."""
        self.messages += 1
        batch: list[Any] = json.loads(msgspec.msgpack.decode(self.message()["data"])["text"])
        return batch

    def message(self) -> dict[str, bytes]:
        """The next message, as it travels."""
        message: dict[str, bytes] | None = self._pubsub.get_message(timeout=PATIENCE)
        assert message is not None
        return message

    def close(self) -> None:
        self._pubsub.close()


@pytest.fixture
def listener(server: RedisServer) -> Iterator[GroupListener]:
    server.flush()
    with server.client() as client:
        listener = GroupListener(client)
        yield listener
        listener.close()


def logged(server: RedisServer, room: str) -> list[Any]:
    timeouts = Timeouts(lease_ms=1, resume_ms=1, session_ms=1, claim_ms=1)
    params = StoreParams(timeouts=timeouts, prefix="realtime", timeout=2.0)
    log = blocking_store(server.url, params).log
    entries = log.read(room, after=0, limit=500, max_bytes=10**7).entries
    return [json.loads(entry.data) for entry in entries]


def test_what_a_short_lived_process_published_goes_out_at_its_end(
    project: Project, server: RedisServer, listener: GroupListener
) -> None:
    project.shell("from realtime import api\nfor n in range(300): api.publish('r', n)")
    assert listener.publications(300) == logged(server, "r") == list(range(300))
    assert listener.messages < 300  # what gathered went out together


def test_the_command_publishes(
    project: Project, server: RedisServer, listener: GroupListener
) -> None:
    for _ in range(2):
        out = project.manage("publish", "chat:lobby", '{"a": 1}', "--key", "once").stdout
        assert out.startswith("chat:lobby: offset 1, epoch ")
    assert logged(server, "chat:lobby") == [{"a": 1}]
    assert listener.publications(1) == [{"a": 1}]
    listener.wait_for_offset(1)  # a repeat returns the first position


FORK = """
import os
from realtime import api
from realtime.publish.background_loop import background

api.publish("r", "before")
for number in range(3):
    child = os.fork()
    if child == 0:
        api.publish("r", number)
        background.stop()
        os._exit(0)
    os.waitpid(child, 0)
api.publish("r", "after")
"""


def test_a_process_that_has_published_may_be_forked(
    project: Project, server: RedisServer, listener: GroupListener
) -> None:
    project.shell(FORK)
    assert logged(server, "r") == ["before", 0, 1, 2, "after"]
    assert sorted(map(str, listener.publications(5))) == ["0", "1", "2", "after", "before"]


CHILDREN = """
import multiprocessing
from realtime import api

def work(number):
    api.publish("r", number)

api.publish("r", "before")
context = multiprocessing.get_context("fork")
children = [context.Process(target=work, args=(number,)) for number in range(3)]
for child in children:
    child.start()
for child in children:
    child.join()
"""


def test_so_may_it_by_multiprocessing_whose_children_end_without_ceremony(
    project: Project, server: RedisServer, listener: GroupListener
) -> None:
    project.shell(CHILDREN)
    assert sorted(map(str, logged(server, "r"))) == ["0", "1", "2", "before"]
    assert sorted(map(str, listener.publications(4))) == ["0", "1", "2", "before"]


TRANSACTIONS = """
from django.contrib.auth.models import User
from django.db import transaction
from realtime import api

with transaction.atomic():
    User.objects.filter(username="ann").update(first_name="Ann")
    for number in range(700):
        assert api.publish("r", number) is None
try:
    with transaction.atomic():
        api.publish("r", "never")
        raise RuntimeError
except RuntimeError:
    pass
"""


def test_a_transaction_s_publications_go_out_with_it(
    project: Project, server: RedisServer, listener: GroupListener
) -> None:
    project.shell(TRANSACTIONS)
    assert logged(server, "r") == list(range(500))
    listener.wait_for_offset(700)


def test_a_layer_that_hangs_holds_up_no_process(
    template: Path, tmp_path: Path, server: RedisServer
) -> None:
    """The channel layer is another Redis here, which stands still."""
    server.flush()
    with RedisServer() as other:
        environ = {"REDIS_URL": other.url, "REALTIME_STORE": server.url}
        project = Project.copy(template, tmp_path, environ=environ)
        other.freeze()
        took = project.shell(
            "import time\nfrom realtime import api\nbegan = time.monotonic()\n"
            "for n in range(500): api.publish('r', n)\nprint(time.monotonic() - began)"
        )
        other.thaw()
    assert float(took) < 5.0
    assert len(logged(server, "r")) == 500


# To clients

# Publishes in a room for each line it reads, and prints a line after that.
ON_DEMAND = """
import sys, time
from realtime import api
for line in sys.stdin:
    api.publish(*line.split())
    print(time.monotonic(), flush=True)
"""


@pytest.fixture(scope="module")
def served(
    template: Path, tmp_path_factory: pytest.TempPathFactory, server: RedisServer
) -> Project:
    folder = tmp_path_factory.mktemp("served")
    environ = {"REDIS_URL": server.url}
    return rooms_project(
        template, folder, environ=environ, ping_interval=3600, session_timeout=9999
    )


@pytest.fixture(scope="module")
def workers(served: Project) -> Iterator[tuple[Server, Server]]:
    with served.serve(server="daphne") as here, served.serve(server="uvicorn") as there:
        assert here.port
        assert there.port
        yield here, there


@pytest.fixture(scope="module")
def publisher(served: Project) -> Iterator[ShellProcess]:
    with shell_process(served, ON_DEMAND) as process:
        yield process


def subscribed(server: RedisServer) -> int:
    """How many workers have joined groups, each counted for each group."""
    with server.client() as observer:
        groups = observer.pubsub_channels("*__group__*")
        return sum(count for _, count in observer.pubsub_numsub(*groups))


@asynccontextmanager
async def members(
    workers: tuple[Server, Server], server: RedisServer, room: str
) -> AsyncIterator[tuple[Client, Client]]:
    """A client of each worker in this room; both workers have subscribed to it."""
    here, there = workers
    async with (
        connected(here, login(here, "ann"), rooms={room: None}) as one,
        connected(there, login(there, "bob"), rooms={room: None}) as two,
    ):
        # Each in its workers' group, the room's and that of its user.
        await eventually_in_thread(lambda: subscribed(server) == 6)
        yield one, two


async def test_it_arrives_at_clients_of_all_workers_at_once(
    workers: tuple[Server, Server], server: RedisServer, publisher: ShellProcess
) -> None:
    async with members(workers, server, "chat:quick") as clients:
        delays: list[float] = []
        for number in range(1, 31):
            published = await publisher.request(f"chat:quick {number}")
            for client in clients:
                frame = await client.frame("publication", number=number, within=PATIENCE)
                assert (frame["offset"], frame["data"]) == (number, str(number))
            delays.append(time.monotonic() - float(published))
        assert statistics.median(delays) < 0.5


async def test_what_a_client_says_arrives_at_clients_of_the_other_worker(
    workers: tuple[Server, Server], server: RedisServer
) -> None:
    async with members(workers, server, "chat:talk") as (ann, bob):
        began = time.monotonic()
        for number in range(1, 21):
            await ann.send(
                type="message", id=number, room="chat:talk", data=number, key=f"k{number}"
            )
            await bob.frame("publication", number=number)
        assert time.monotonic() - began < 5.0
        assert [frame["data"] for frame in bob.of("publication")] == list(range(1, 21))


async def test_forged_publications_reach_no_client(
    workers: tuple[Server, Server], server: RedisServer, publisher: ShellProcess
) -> None:
    async with members(workers, server, "chat:forged") as clients:
        heard = await overheard(server, publisher, "chat:forged")
        honest = msgspec.msgpack.decode(heard["data"])
        lies = [
            {**honest, "text": honest["text"].replace("honest", "forged").replace(",1,", ",2,")},
            {**honest, "seal": "0" * 32, "text": honest["text"].replace("honest", "forged")},
            {"type": "realtime.hint", "kind": "published", "text": "[]", "seal": ""},
        ]
        with server.client() as forger:
            for lie in [*map(msgspec.msgpack.encode, lies), b"\xc1 no message", heard["data"]] * 3:
                forger.publish(heard["channel"], lie)
        await publisher.request("chat:forged last")
        for client in clients:
            await client.frame("publication", number=2)
            assert [frame["data"] for frame in client.of("publication")] == ["honest", "last"]


FORKED = """
import os
from django.core.management import call_command
from realtime import api

call_command("publish", "chat:forked", '"by a command"')
api.publish("chat:forked", "by the parent")
if os.fork() == 0:
    api.publish("chat:forked", "by the child")
"""


async def test_so_does_what_a_command_or_a_forked_process_publishes(
    served: Project, workers: tuple[Server, Server], server: RedisServer
) -> None:
    async with members(workers, server, "chat:forked") as clients:
        await asyncio.to_thread(served.shell, FORKED)
        for client in clients:
            await client.frame("publication", number=3)
            heard = [frame["data"] for frame in client.of("publication")]
            assert heard == ["by a command", "by the parent", "by the child"]


async def overheard(server: RedisServer, publisher: ShellProcess, room: str) -> dict[str, bytes]:
    """A publication as it travels."""
    with server.client() as client:
        listener = GroupListener(client)
        await publisher.request(f"{room} honest")
        message = await asyncio.to_thread(listener.message)
        listener.close()
        return message


async def test_a_worker_without_members_of_a_room_gets_no_hint(
    workers: tuple[Server, Server], server: RedisServer
) -> None:
    async with members(workers, server, "chat:left"):
        pass
    await eventually_in_thread(lambda: subscribed(server) == 2)  # the workers' own group
