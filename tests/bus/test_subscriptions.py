"""A worker's groups: the wanted ones, despite errors of the layer."""

import asyncio
import gc
import random
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from realtime.bus import command_queue, subscriptions
from realtime.bus.hints import room_group_name
from realtime.bus.subscriptions import RENEWALS, Subscriptions
from tests.polling import eventually_in_loop
from tests.redis_server import RedisServer
from tests.worker.fakes import settled

from .layers import LAYERS, Faulty

GROUP = partial(room_group_name, "p")
CHANNEL = "specific.worker"


async def channel() -> str:
    return CHANNEL


def in_groups(layer: InMemoryChannelLayer) -> set[str]:
    return set(layer.groups)


def groups(*rooms: str) -> set[str]:
    return {GROUP(room) for room in rooms}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "FIRST_BACKOFF", 0.001)


@pytest.fixture
def faulty() -> Faulty:
    return Faulty()


@pytest.fixture
async def rooms(faulty: Faulty) -> AsyncIterator[Subscriptions]:
    rooms = Subscriptions(faulty, group=GROUP, channel=channel)
    yield rooms
    await rooms.stop()


async def test_a_room_is_in_its_group_while_subscribed(
    rooms: Subscriptions, faulty: Faulty
) -> None:
    rooms.subscribe("a")
    rooms.subscribe("b")
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a", "b"))
    rooms.unsubscribe("a")
    await eventually_in_loop(lambda: in_groups(faulty) == groups("b"))


async def test_a_change_that_is_undone_in_time_costs_no_command(
    rooms: Subscriptions, faulty: Faulty
) -> None:
    for _ in range(100):
        rooms.subscribe("a")
        rooms.unsubscribe("a")
    await settled()
    assert faulty.calls == []
    rooms.subscribe("a")
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a"))
    for _ in range(100):
        rooms.unsubscribe("a")
        rooms.subscribe("a")
    await settled()
    assert faulty.calls == ["group_add"]


async def test_a_change_during_a_command_causes_another_one(
    rooms: Subscriptions, faulty: Faulty
) -> None:
    rooms.subscribe("a")
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a"))
    faulty.hanging = True
    rooms.unsubscribe("a")
    await eventually_in_loop(lambda: faulty.calls[-1] == "group_discard")
    rooms.subscribe("a")
    rooms.unsubscribe("a")
    rooms.subscribe("a")
    faulty.hanging = False
    await faulty.group_discard(GROUP("a"), CHANNEL)  # it takes effect, late
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a") and not rooms._due)


async def test_any_sequence_of_changes_and_errors_ends_in_the_right_groups(
    rooms: Subscriptions, faulty: Faulty
) -> None:
    chance, wanted = random.Random(7), set()
    for _ in range(3000):
        room = f"r{chance.randrange(20)}"
        if room in wanted:
            wanted.discard(room)
            rooms.unsubscribe(room)
        else:
            wanted.add(room)
            rooms.subscribe(room)
        faulty.raising = OSError("reset") if chance.random() < 0.1 else None
        if chance.random() < 0.2:
            await asyncio.sleep(0)
    faulty.raising = None
    await eventually_in_loop(lambda: not rooms._due and in_groups(faulty) == groups(*wanted))


async def test_an_outage_is_logged_once_and_repaired(
    rooms: Subscriptions,
    faulty: Faulty,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command_queue, "COMMAND_TIMEOUT", 0.01)
    faulty.hanging = True
    for number in range(10):
        rooms.subscribe(f"r{number}")
    rooms.unsubscribe("r0")
    await eventually_in_loop(lambda: len(faulty.calls) > 3)
    monkeypatch.setattr(command_queue, "COMMAND_TIMEOUT", 60.0)
    faulty.hanging = False
    wanted = groups(*(f"r{number}" for number in range(1, 10)))
    await eventually_in_loop(lambda: in_groups(faulty) == wanted and not rooms._due)
    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith("rooms cannot be subscribed to: ")


async def test_renew_repeats_all_subscriptions_in_turn(
    rooms: Subscriptions, faulty: Faulty
) -> None:
    names = [f"r{number}" for number in range(3 * RENEWALS)]
    for room in names:
        rooms.subscribe(room)
    await eventually_in_loop(lambda: not rooms._due)
    faulty.groups.clear()  # a layer forgets
    for number in range(1, RENEWALS + 1):
        rooms.renew()
        await eventually_in_loop(lambda: not rooms._due)
        assert len(faulty.groups) == 3 * number
    assert in_groups(faulty) == groups(*names)


async def test_renew_all_repeats_all_subscriptions_at_once(
    rooms: Subscriptions, faulty: Faulty
) -> None:
    for room in "abc":
        rooms.subscribe(room)
    await eventually_in_loop(lambda: not rooms._due)
    faulty.groups.clear()
    rooms.renew_all()
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a", "b", "c"))


async def test_stop_leaves_all_groups(rooms: Subscriptions, faulty: Faulty) -> None:
    for room in "abc":
        rooms.subscribe(room)
    await eventually_in_loop(lambda: not rooms._due)
    await rooms.stop()
    assert faulty.groups == {}


async def test_stop_does_not_wait_for_a_hanging_layer(rooms: Subscriptions, faulty: Faulty) -> None:
    rooms.subscribe("a")
    await eventually_in_loop(lambda: not rooms._due)
    faulty.hanging = True
    began = time.monotonic()
    await rooms.stop()
    assert time.monotonic() - began < 3 * command_queue.STOP_TIMEOUT
    assert not [t for t in asyncio.all_tasks() if t.get_name() == "realtime-subscriptions"]


@pytest.mark.parametrize(("name", "count"), [("pubsub", 10_000), ("core", 2_000)])
async def test_thousands_of_rooms_at_once_delay_no_other_command(
    name: str, count: int, redis_server: RedisServer, request: pytest.FixtureRequest
) -> None:
    """Neither this loop nor another command to the same layer."""
    redis_server.flush()
    layer: Any = LAYERS[name](redis_server)
    channel_name = await layer.new_channel()

    async def the_channel() -> str:
        return str(channel_name)

    rooms = Subscriptions(layer, group=GROUP, channel=the_channel)
    for number in range(count):
        rooms.subscribe(f"user:{number}")
    # In CPU time of this thread, which other processes do not prolong, and without the collector,
    # which would go through all that the tests before have left.
    gc.disable()
    request.addfinalizer(gc.enable)
    slowest = slowest_command = 0.0
    while rooms._due:
        began = time.thread_time()
        await asyncio.sleep(0.01)
        slowest = max(slowest, time.thread_time() - began)
        began = time.thread_time()
        await layer.group_add("workers", channel_name)
        slowest_command = max(slowest_command, time.thread_time() - began)
    assert slowest < 0.5
    assert slowest_command < 1.0
    await layer.group_send(GROUP(f"user:{count - 1}"), {"type": "x"})
    async with asyncio.timeout(10.0):
        assert (await layer.receive(channel_name))["type"] == "x"
    await rooms.stop()
