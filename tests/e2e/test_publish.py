"""Publishing from processes that are about to end, and from those they fork: all of it is in the
log, and all of it is announced, with nobody waiting for that."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from realtime.store.redis import blocking_store
from realtime.store.windows import Windows
from tests.e2e.support import Project
from tests.redis_server import RedisServer

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


class Ear:
    """Hears all that is sent to groups, like a worker with somebody in every room."""

    def __init__(self, client: redis.Redis) -> None:
        self._pubsub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._pubsub.psubscribe("*__group__*")
        self._pubsub.get_message(timeout=PATIENCE)
        self.messages = 0

    def publications(self, count: int) -> list[Any]:
        """The data of so many publications, as they are announced."""
        heard: list[Any] = []
        while len(heard) < count:
            heard += [data for *_, data in self._next()[3]]
        return heard

    def come_to(self, offset: int) -> None:
        """Hear that a room has come to this offset."""
        while self._next()[2] < offset:
            pass

    def _next(self) -> list[Any]:
        """The next bundle: room, epoch, the newest offset, and the publications."""
        message = self._pubsub.get_message(timeout=PATIENCE)
        assert message is not None
        self.messages += 1
        bundle: list[Any] = json.loads(msgspec.msgpack.decode(message["data"])["text"])
        return bundle

    def close(self) -> None:
        self._pubsub.close()


@pytest.fixture
def ear(server: RedisServer) -> Iterator[Ear]:
    server.flush()
    with server.client() as client:
        ear = Ear(client)
        yield ear
        ear.close()


def logged(server: RedisServer, room: str) -> list[Any]:
    windows = Windows(lease_ms=1, resume_ms=1, session_ms=1, claim_ms=1)
    log = blocking_store(server.url, windows, prefix="realtime", timeout=2.0).log
    entries = log.read(room, after=0, limit=500, max_bytes=10**7).entries
    return [json.loads(entry.data) for entry in entries]


def test_what_a_short_lived_process_published_goes_out_at_its_end(
    project: Project, server: RedisServer, ear: Ear
) -> None:
    project.shell("from realtime import api\nfor n in range(300): api.publish('r', n)")
    assert ear.publications(300) == logged(server, "r") == list(range(300))
    assert ear.messages < 300  # what gathered went out together


def test_the_command_publishes(project: Project, server: RedisServer, ear: Ear) -> None:
    for _ in range(2):
        out = project.manage("publish", "chat:lobby", '{"a": 1}', "--key", "once").stdout
        assert out.startswith("chat:lobby: offset 1, epoch ")
    assert logged(server, "chat:lobby") == [{"a": 1}]
    assert ear.publications(1) == [{"a": 1}]
    ear.come_to(1)  # of a repeat it is told where it is


FORK = """
import os
from realtime import api
from realtime.background import background

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
    project: Project, server: RedisServer, ear: Ear
) -> None:
    project.shell(FORK)
    assert logged(server, "r") == ["before", 0, 1, 2, "after"]
    assert sorted(map(str, ear.publications(5))) == ["0", "1", "2", "after", "before"]


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
    project: Project, server: RedisServer, ear: Ear
) -> None:
    project.shell(CHILDREN)
    assert sorted(map(str, logged(server, "r"))) == ["0", "1", "2", "before"]
    assert sorted(map(str, ear.publications(4))) == ["0", "1", "2", "before"]


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
    project: Project, server: RedisServer, ear: Ear
) -> None:
    project.shell(TRANSACTIONS)
    assert logged(server, "r") == list(range(500))
    ear.come_to(700)


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
