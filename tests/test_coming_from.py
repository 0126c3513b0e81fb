"""The code on the page "Coming from …" works: each consumer serves its room, each name exists."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from realtime import api, signals
from realtime.conf import KINDS
from realtime.consumers import Login, RealtimeConsumer
from realtime.worker import instances
from tests.consumers.client import QUICK, Client
from tests.test_docs import fences, rows, section

PAGE = (Path(__file__).parents[1] / "docs/coming-from.md").read_text()
SECTIONS = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
AFTER = [code for code in fences(PAGE, "python") if "from realtime" in code]
CONSUMERS = [code for code in AFTER if "RealtimeConsumer" in code]


def names_in(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "coming-from.md", "exec"), names)
    return names


@pytest.fixture
async def worker(transactional_db: None, settings: Any) -> AsyncIterator[None]:
    settings.REALTIME = QUICK
    worker = await instances.start()
    yield
    await worker.stop()


@pytest.mark.parametrize("code", CONSUMERS, ids=range(len(CONSUMERS)))
async def test_a_consumer_publishes_what_a_client_in_its_room_sends(
    worker: None, code: str
) -> None:
    [room] = re.findall(r'return room == "(.+)"', code)
    [written] = [
        value
        for value in names_in(code).values()
        if isinstance(value, type) and issubclass(value, RealtimeConsumer)
        if value is not RealtimeConsumer
    ]
    client = Client(written)
    await client.greet()
    await client.send_message(type="join", id=1, room="another")
    assert (await client.receive_message())["code"] == "forbidden"
    await client.send_message(type="join", id=2, room=room)
    assert (await client.receive_message())["type"] == "joined"
    await client.send_message(type="message", id=3, room=room, key="k", data={"text": "hi"})
    frames = [await client.receive_message() for _ in range(2)]
    [data] = [frame["data"] for frame in frames if frame["type"] == "publication"]
    assert data["text"] == "hi"
    assert any(frame["type"] == "ack" for frame in frames)
    await client.send_message(type="bye")
    await client.end()


async def test_the_receiver_publishes_the_name_of_a_user_that_joins(worker: None) -> None:
    ann = await User.objects.acreate(username="ann")

    class Consumer(RealtimeConsumer):
        async def authenticate(self) -> Login:
            return Login(key="", user=str(ann.pk), username="ann")

        async def authorize(self, room: str, action: str) -> bool:
            return True

    [code] = [code for code in AFTER if "room_joined" in code]
    announce = names_in(code)["announce"]
    client = Client(Consumer)
    await client.greet()
    await client.send_message(type="join", id=1, room="team")
    try:
        assert (await client.receive_message())["type"] == "joined"
        publication = await client.receive_message()
        assert (publication["room"], publication["data"]) == ("team", {"joined": "ann"})
        await client.send_message(type="bye")
        await client.end()
    finally:
        signals.room_joined.disconnect(announce)
        signals.room_left.disconnect(announce)


def test_the_tables_name_functions_signals_and_settings_that_exist() -> None:
    known = {*api.__all__, *vars(signals), *KINDS, *dir(RealtimeConsumer)}
    for name in SECTIONS:
        table = rows(section(PAGE, f"## {name}"))
        assert len(table) > 8
        ours = " ".join(cells[1] for cells in table[2:])
        called = set(re.findall(r"`(?:await |self\.)*([a-z_]+)\(", ours))
        settings = set(re.findall(r"`([A-Z][A-Z_]+[A-Z])`", ours))
        signal_names = set(re.findall(r"`((?:session|room)_[a-z]+)`", ours))
        theirs = {"connect", "realtime_application", "join", "send"}  # of client and routing
        assert called - theirs - {"authorize", "receive_message"} <= known
        assert settings <= KINDS.keys()
        assert signal_names <= vars(signals).keys()
