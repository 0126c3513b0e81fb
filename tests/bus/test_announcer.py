"""Announcing publications: in order, batched, and without delaying publishers."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import InMemoryChannelLayer

from realtime.bus import command_queue
from realtime.bus.announcer import Announcer
from realtime.bus.counters import BusCounters
from realtime.bus.hints import parse_message, room_group_name
from realtime.bus.publication_batches import MAX_ENTRIES, PublicationBatch
from realtime.bus.signing import Signer
from realtime.store.log import LogEntry
from tests.polling import eventually_in_loop
from tests.redis_server import RedisServer

from .layers import LAYERS, Faulty

SIGNER = Signer([b"the project's"])
GROUP = partial(room_group_name, "p")


def make_batch(room: str, offset: int) -> PublicationBatch:
    return PublicationBatch(room, "e", offset, (LogEntry(offset, 0, str(offset)),))


class RoomListener:
    """Receives the batches of some rooms."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self.offsets: dict[str, list[int]] = {}
        self.messages = 0

    async def join(self, *rooms: str) -> "RoomListener":
        self._channel = await self._layer.new_channel()
        for room in rooms:
            await self._layer.group_add(GROUP(room), self._channel)
        self.task = asyncio.create_task(self._listen())
        return self

    async def _listen(self) -> None:
        while True:
            batch = parse_message(await self._layer.receive(self._channel), SIGNER)
            assert isinstance(batch, PublicationBatch)
            self.messages += 1
            self.offsets.setdefault(batch.room, []).extend(each.offset for each in batch.entries)


@pytest.fixture
async def faulty() -> Faulty:
    return Faulty()


@pytest.fixture
async def announcer(faulty: Faulty) -> AsyncIterator[Announcer]:
    announcer = Announcer(faulty, SIGNER, asyncio.get_running_loop(), BusCounters(), group=GROUP)
    yield announcer
    await announcer.stop()


@pytest.fixture
async def listener(faulty: Faulty) -> AsyncIterator[RoomListener]:
    listener = await RoomListener(faulty).join("a", "b")
    yield listener
    listener.task.cancel()


async def test_batches_reach_the_group_of_their_room_only(
    announcer: Announcer, listener: RoomListener
) -> None:
    for room in ("a", "b", "c"):
        announcer.announce(make_batch(room, 1))
    await announcer.flush(10.0)
    await eventually_in_loop(lambda: listener.offsets == {"a": [1], "b": [1]})
    assert announcer._counters.batches_sent == 3


@pytest.mark.parametrize("name", ["pubsub", "core"])
async def test_batches_from_threads_arrive_in_order_on_every_layer(
    name: str, redis_server: RedisServer
) -> None:
    redis_server.flush()
    layer = LAYERS[name](redis_server)
    listener = await RoomListener(layer).join("a", "b")
    announcer = Announcer(layer, SIGNER, asyncio.get_running_loop(), BusCounters(), group=GROUP)

    def publish(room: str) -> None:
        for offset in range(1, 1001):
            announcer.announce(make_batch(room, offset), timeout=10.0)

    await asyncio.gather(asyncio.to_thread(publish, "a"), asyncio.to_thread(publish, "b"))
    every = list(range(1, 1001))
    await eventually_in_loop(lambda: listener.offsets == {"a": every, "b": every})
    assert listener.messages < 1000  # batched
    assert (announcer._counters.batches_failed, announcer._counters.queue.cut) == (0, 0)
    listener.task.cancel()
    await announcer.stop()


async def test_a_layer_with_sync_code_outlives_the_view_that_published() -> None:
    view_has_ended = asyncio.Event()

    class LayerWithSyncCode(InMemoryChannelLayer):
        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            await view_has_ended.wait()
            await sync_to_async(time.monotonic)()
            await super().group_send(group, message)

    layer = LayerWithSyncCode()
    listener = await RoomListener(layer).join("a")
    announcer = Announcer(layer, SIGNER, asyncio.get_running_loop(), BusCounters(), group=GROUP)

    async def view() -> None:
        announcer.announce(make_batch("a", 1))

    # So Django calls an asynchronous view behind a middleware that is not.
    await sync_to_async(async_to_sync(view))()
    view_has_ended.set()
    await eventually_in_loop(lambda: listener.offsets == {"a": [1]})
    listener.task.cancel()
    await announcer.stop()


async def test_the_first_is_sent_at_once_and_the_following_are_batched(
    announcer: Announcer, listener: RoomListener
) -> None:
    announcer.announce(make_batch("a", 1))
    await eventually_in_loop(lambda: listener.offsets)
    for offset in range(2, 50):
        announcer.announce(make_batch("a", offset))
    await eventually_in_loop(lambda: len(listener.offsets["a"]) == 49)
    assert listener.messages <= 3


async def test_a_hanging_layer_delays_a_publisher_briefly_and_is_logged_once(
    announcer: Announcer,
    faulty: Faulty,
    listener: RoomListener,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(command_queue, "COMMAND_TIMEOUT", 0.05)
    faulty.hanging = True

    def publish() -> float:
        began = time.monotonic()
        for offset in range(1, 20 * MAX_ENTRIES):
            announcer.announce(make_batch("a", offset), timeout=0.25)
        return time.monotonic() - began

    assert await asyncio.to_thread(publish) < 3.0
    await eventually_in_loop(lambda: announcer._counters.batches_failed > 1)
    faulty.hanging = False
    announcer.announce(make_batch("a", 20 * MAX_ENTRIES))
    await eventually_in_loop(lambda: listener.offsets and len(caplog.messages) == 2)
    assert listener.offsets["a"][-1] == 20 * MAX_ENTRIES  # receivers read the rest from the log
    failed, worked = caplog.messages
    assert failed.startswith("publications cannot be announced: TimeoutError")
    assert worked.startswith("publications cannot be announced: resolved")


@pytest.mark.parametrize("error", [OSError("reset"), KeyError("defect"), asyncio.CancelledError()])
async def test_the_announcer_goes_on_after_any_error_of_the_layer(
    announcer: Announcer,
    faulty: Faulty,
    listener: RoomListener,
    error: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    faulty.raising = error
    announcer.announce(make_batch("a", 1))
    await eventually_in_loop(lambda: announcer._counters.batches_failed)
    faulty.raising = None
    announcer.announce(make_batch("a", 2))
    await eventually_in_loop(lambda: listener.offsets == {"a": [2]} and len(caplog.messages) == 2)


async def test_stop_drops_queued_batches(announcer: Announcer, faulty: Faulty) -> None:
    faulty.hanging = True
    for offset in range(100):
        announcer.announce(make_batch("a", offset))
    await asyncio.sleep(0)
    began = time.monotonic()
    await announcer.stop()
    assert time.monotonic() - began < 2 * command_queue.STOP_TIMEOUT
    assert [t for t in asyncio.all_tasks() if t.get_name() == "realtime-announcer"] == []
