"""What tells other workers of publications: in order, gathered, and a burden to nobody."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from realtime.bus import command_queue
from realtime.bus.announcer import Announcer
from realtime.bus.hints import parse_message, room_group_name
from realtime.bus.publication_batches import MAX_ENTRIES, PublicationBatch
from realtime.bus.signing import Signer
from realtime.store.log import LogEntry
from tests.polling import eventually_in_loop
from tests.redis_server import RedisServer

from .layers import LAYERS, Faulty

SEALS = Signer([b"the project's"])
GROUP = partial(room_group_name, "p")


def bundle(room: str, offset: int) -> PublicationBatch:
    return PublicationBatch(room, "e", offset, (LogEntry(offset, 0, str(offset)),))


class Ear:
    """What somebody hears who has joined some rooms."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self.heard: dict[str, list[int]] = {}
        self.messages = 0

    async def join(self, *rooms: str) -> "Ear":
        self._channel = await self._layer.new_channel()
        for room in rooms:
            await self._layer.group_add(GROUP(room), self._channel)
        self.task = asyncio.create_task(self._listen())
        return self

    async def _listen(self) -> None:
        while True:
            told = parse_message(await self._layer.receive(self._channel), SEALS)
            assert isinstance(told, PublicationBatch)
            self.messages += 1
            self.heard.setdefault(told.room, []).extend(each.offset for each in told.entries)


@pytest.fixture
async def faulty() -> Faulty:
    return Faulty()


@pytest.fixture
async def announcer(faulty: Faulty) -> AsyncIterator[Announcer]:
    announcer = Announcer(faulty, SEALS, asyncio.get_running_loop(), group=GROUP)
    yield announcer
    await announcer.stop()


@pytest.fixture
async def ear(faulty: Faulty) -> AsyncIterator[Ear]:
    ear = await Ear(faulty).join("a", "b")
    yield ear
    ear.task.cancel()


async def test_a_room_hears_of_its_publications_and_of_no_others(
    announcer: Announcer, ear: Ear
) -> None:
    for room in ("a", "b", "c"):
        announcer.announce(bundle(room, 1))
    await announcer.flush(10.0)
    await eventually_in_loop(lambda: ear.heard == {"a": [1], "b": [1]})
    assert announcer.sent == 3


@pytest.mark.parametrize("name", ["pubsub", "core"])
async def test_threads_are_heard_in_order_on_every_layer(
    name: str, redis_server: RedisServer
) -> None:
    redis_server.flush()
    layer = LAYERS[name](redis_server)
    ear = await Ear(layer).join("a", "b")
    announcer = Announcer(layer, SEALS, asyncio.get_running_loop(), group=GROUP)

    def publish(room: str) -> None:
        for offset in range(1, 1001):
            announcer.announce(bundle(room, offset), timeout=10.0)

    await asyncio.gather(asyncio.to_thread(publish, "a"), asyncio.to_thread(publish, "b"))
    every = list(range(1, 1001))
    await eventually_in_loop(lambda: ear.heard == {"a": every, "b": every})
    assert ear.messages < 1000  # gathered
    assert announcer.lost == 0
    ear.task.cancel()
    await announcer.stop()


async def test_the_first_goes_out_at_once_and_those_that_follow_together(
    announcer: Announcer, ear: Ear
) -> None:
    announcer.announce(bundle("a", 1))
    await eventually_in_loop(lambda: ear.heard)
    for offset in range(2, 50):
        announcer.announce(bundle("a", offset))
    await eventually_in_loop(lambda: len(ear.heard["a"]) == 49)
    assert ear.messages <= 3


async def test_a_layer_that_hangs_holds_up_a_publisher_for_a_moment_and_is_said_once(
    announcer: Announcer,
    faulty: Faulty,
    ear: Ear,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(command_queue, "COMMAND_TIMEOUT", 0.05)
    faulty.hanging = True

    def publish() -> float:
        began = time.monotonic()
        for offset in range(1, 20 * MAX_ENTRIES):
            announcer.announce(bundle("a", offset), timeout=0.25)
        return time.monotonic() - began

    assert await asyncio.to_thread(publish) < 3.0
    await eventually_in_loop(lambda: announcer.failed > 1)
    faulty.hanging = False
    announcer.announce(bundle("a", 20 * MAX_ENTRIES))
    await eventually_in_loop(lambda: ear.heard and len(caplog.messages) == 2)
    assert ear.heard["a"][-1] == 20 * MAX_ENTRIES  # whoever hears of it reads the log
    failed, worked = caplog.messages
    assert failed.startswith("publications cannot be announced: TimeoutError")
    assert worked.startswith("publications cannot be announced: resolved")


@pytest.mark.parametrize("error", [OSError("reset"), KeyError("defect"), asyncio.CancelledError()])
async def test_whatever_a_layer_raises_the_next_is_announced(
    announcer: Announcer, faulty: Faulty, ear: Ear, error: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    faulty.raising = error
    announcer.announce(bundle("a", 1))
    await eventually_in_loop(lambda: announcer.failed)
    faulty.raising = None
    announcer.announce(bundle("a", 2))
    await eventually_in_loop(lambda: ear.heard == {"a": [2]} and len(caplog.messages) == 2)


async def test_a_stop_drops_what_waits(announcer: Announcer, faulty: Faulty) -> None:
    faulty.hanging = True
    for offset in range(100):
        announcer.announce(bundle("a", offset))
    await asyncio.sleep(0)
    began = time.monotonic()
    await announcer.stop()
    assert time.monotonic() - began < 2 * command_queue.STOP_TIMEOUT
    assert [t for t in asyncio.all_tasks() if t.get_name() == "realtime-announcer"] == []
