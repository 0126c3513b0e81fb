"""What all clients of a worker are told at once."""

import asyncio

import pytest

from realtime.protocol.messages import Notice
from realtime.store.contract import StoreUnavailable
from realtime.worker.sessions.notices import PART, tell_all

from ..conftest import WorkerHarness
from ..fakes import FakeTransport, connect, connected, live, record, settled


async def failing(world: WorkerHarness) -> None:
    world.fickle.down = True
    with pytest.raises(StoreUnavailable):
        await world.beats.flush()
    world.fickle.down = False


async def test_every_client_is_told_when_the_store_is_away_and_when_it_is_back(
    world: WorkerHarness,
) -> None:
    wires = [FakeTransport(), FakeTransport()]
    for wire in wires:
        await world.admit(wire)
    for _ in range(2):
        await failing(world)
    for _ in range(2):
        await world.beats.flush()
    await settled()
    for wire in wires:
        told = [message["state"] for message in wire.messages if message["type"] == "notice"]
        assert told == ["degraded", "ok"]
        assert wire.closed is None


async def test_while_all_is_well_nobody_is_told_anything(world: WorkerHarness) -> None:
    wire = FakeTransport()
    await world.admit(wire)
    await world.beats.flush()
    await settled()
    assert wire.types == ["welcome"]


async def test_who_comes_afterwards_is_told_nothing(world: WorkerHarness) -> None:
    await failing(world)
    await world.beats.flush()
    wire = FakeTransport()
    await world.admit(wire)
    await settled()
    assert wire.types == ["welcome"]


async def test_after_each_part_the_loop_has_its_turn() -> None:
    wires = [FakeTransport() for _ in range(2 * PART + 1)]
    sessions = [connected(record(f"s{i}"), connect(wire)) for i, wire in enumerate(wires)]
    telling = asyncio.create_task(tell_all(sessions, Notice("degraded")))
    told = []
    while not telling.done():
        await asyncio.sleep(0)
        told.append(sum(session.connection.frames_out for session in sessions))
    assert {PART, 2 * PART, 2 * PART + 1} == set(told)
    await settled()
    assert all(wire.types == ["notice"] for wire in wires)


async def test_who_leaves_meanwhile_is_spared() -> None:
    wire = FakeTransport()
    session = live(wire=wire)
    session.departed = True
    await tell_all([session], Notice("degraded"))
    await settled()
    assert wire.events == []
