"""Which groups a worker is in: what is wanted, whatever the layer does meanwhile."""

import asyncio
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
async def subscribed(faulty: Faulty) -> AsyncIterator[Subscriptions]:
    subscribed = Subscriptions(faulty, group=GROUP, channel=channel)
    yield subscribed
    await subscribed.stop()


async def test_a_room_is_joined_while_somebody_is_in_it(
    subscribed: Subscriptions, faulty: Faulty
) -> None:
    subscribed.subscribe("a")
    subscribed.subscribe("b")
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a", "b"))
    subscribed.unsubscribe("a")
    await eventually_in_loop(lambda: in_groups(faulty) == groups("b"))


async def test_what_changes_back_before_it_was_said_is_no_command(
    subscribed: Subscriptions, faulty: Faulty
) -> None:
    for _ in range(100):
        subscribed.subscribe("a")
        subscribed.unsubscribe("a")
    await settled()
    assert faulty.calls == []
    subscribed.subscribe("a")
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a"))
    for _ in range(100):
        subscribed.unsubscribe("a")
        subscribed.subscribe("a")
    await settled()
    assert faulty.calls == ["group_add"]


async def test_what_changes_while_it_is_said_is_said_again(
    subscribed: Subscriptions, faulty: Faulty
) -> None:
    subscribed.subscribe("a")
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a"))
    faulty.hanging = True
    subscribed.unsubscribe("a")
    await eventually_in_loop(lambda: faulty.calls[-1] == "group_discard")
    subscribed.subscribe("a")
    subscribed.unsubscribe("a")
    subscribed.subscribe("a")
    faulty.hanging = False
    await faulty.group_discard(GROUP("a"), CHANNEL)  # it took effect, late
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a") and subscribed.idle)


async def test_whatever_happens_in_whatever_order_the_end_is_right(
    subscribed: Subscriptions, faulty: Faulty
) -> None:
    chance, wanted = random.Random(7), set()
    for _ in range(3000):
        room = f"r{chance.randrange(20)}"
        if room in wanted:
            wanted.discard(room)
            subscribed.unsubscribe(room)
        else:
            wanted.add(room)
            subscribed.subscribe(room)
        faulty.raising = OSError("reset") if chance.random() < 0.1 else None
        if chance.random() < 0.2:
            await asyncio.sleep(0)
    faulty.raising = None
    await eventually_in_loop(lambda: subscribed.idle and in_groups(faulty) == groups(*wanted))


async def test_an_outage_is_said_once_and_made_good(
    subscribed: Subscriptions,
    faulty: Faulty,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command_queue, "COMMAND_TIMEOUT", 0.01)
    faulty.hanging = True
    for number in range(10):
        subscribed.subscribe(f"r{number}")
    subscribed.unsubscribe("r0")
    await eventually_in_loop(lambda: len(faulty.calls) > 3)
    faulty.hanging = False
    wanted = groups(*(f"r{number}" for number in range(1, 10)))
    await eventually_in_loop(lambda: in_groups(faulty) == wanted and subscribed.idle)
    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith("rooms cannot be subscribed to: ")


async def test_everything_is_said_again_in_turn(subscribed: Subscriptions, faulty: Faulty) -> None:
    rooms = [f"r{number}" for number in range(3 * RENEWALS)]
    for room in rooms:
        subscribed.subscribe(room)
    await eventually_in_loop(lambda: subscribed.idle)
    faulty.groups.clear()  # a layer forgets
    for number in range(1, RENEWALS + 1):
        subscribed.renew()
        await eventually_in_loop(lambda: subscribed.idle)
        assert len(faulty.groups) == 3 * number
    assert in_groups(faulty) == groups(*rooms)


async def test_everything_is_said_again_at_once_when_the_layer_was_away(
    subscribed: Subscriptions, faulty: Faulty
) -> None:
    for room in "abc":
        subscribed.subscribe(room)
    await eventually_in_loop(lambda: subscribed.idle)
    faulty.groups.clear()
    subscribed.renew_all()
    await eventually_in_loop(lambda: in_groups(faulty) == groups("a", "b", "c"))


async def test_a_stop_leaves_the_groups(subscribed: Subscriptions, faulty: Faulty) -> None:
    for room in "abc":
        subscribed.subscribe(room)
    await eventually_in_loop(lambda: subscribed.idle)
    await subscribed.stop()
    assert faulty.groups == {}


async def test_a_stop_does_not_wait_for_a_layer_that_hangs(
    subscribed: Subscriptions, faulty: Faulty
) -> None:
    subscribed.subscribe("a")
    await eventually_in_loop(lambda: subscribed.idle)
    faulty.hanging = True
    began = time.monotonic()
    await subscribed.stop()
    assert time.monotonic() - began < 3 * command_queue.STOP_TIMEOUT
    assert not [t for t in asyncio.all_tasks() if t.get_name() == "realtime-subscriptions"]


@pytest.mark.parametrize(("name", "count"), [("pubsub", 10_000), ("core", 2_000)])
async def test_thousands_of_rooms_at_once_hold_up_nobody(
    name: str, count: int, redis_server: RedisServer
) -> None:
    """Neither this loop nor another command to the same layer."""
    redis_server.flush()
    layer: Any = LAYERS[name](redis_server)
    ear = await layer.new_channel()

    async def the_ear() -> str:
        return str(ear)

    subscribed = Subscriptions(layer, group=GROUP, channel=the_ear)
    for number in range(count):
        subscribed.subscribe(f"user:{number}")
    slowest = slowest_command = 0.0
    while not subscribed.idle:
        began = time.monotonic()
        await asyncio.sleep(0.01)
        slowest = max(slowest, time.monotonic() - began - 0.01)
        began = time.monotonic()
        await layer.group_add("workers", ear)
        slowest_command = max(slowest_command, time.monotonic() - began)
    assert slowest < 0.5
    assert slowest_command < 1.0
    await layer.group_send(GROUP(f"user:{count - 1}"), {"type": "x"})
    async with asyncio.timeout(10.0):
        assert (await layer.receive(ear))["type"] == "x"
    await subscribed.stop()
