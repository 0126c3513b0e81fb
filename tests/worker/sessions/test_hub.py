"""The hub on the database store: lost sessions, messages, and all ways to end."""

import asyncio
import time
from typing import Any

import pytest

from realtime.protocol.codes import CloseCode
from realtime.protocol.messages import Bye, ClientPing, ClientPong
from realtime.store.records import (
    BeatAnswer,
    CloseRequest,
    Departure,
    LossReason,
    LostSession,
    SessionState,
)
from tests.polling import eventually_in_loop

from ..conftest import WorkerHarness
from ..fakes import FakeTransport

CONNECTED, SUSPENDED = SessionState.CONNECTED, SessionState.SUSPENDED


def answer(*, online: int = 1, **given: Any) -> BeatAnswer:
    """A store's answer to a beat."""
    return BeatAnswer(renewed=True, online=online, workers=1, incarnation="", **given)


# ---------------------------------------------------------------- lost


async def test_a_session_resumed_elsewhere_is_dropped_with_4506(world: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await world.admit(first)
    elsewhere = world.other("w2")
    await elsewhere.beats.flush()
    newer = await elsewhere.admit(second, resume=first.messages[0])
    older.changed = True
    await world.beats.flush()
    await older.connection.flush()
    assert first.closed == 4506
    assert list(world.hub.connected()) == []
    assert not newer.departed


async def test_a_session_closed_meanwhile_is_dropped_with_4002(world: WorkerHarness) -> None:
    wire = FakeTransport()
    session = await world.admit(wire)
    departure = Departure(session.as_update(0.0), 4002, "heartbeat timeout")
    await world.store.close("w1", [departure], "x")
    await world.store.confirm([session.id])
    session.changed = True
    await world.beats.flush()
    await session.connection.flush()
    assert wire.closed == 4002


async def test_a_session_resumed_here_during_the_beat_is_not_dropped(
    world: WorkerHarness,
) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await world.admit(first)
    newer = await world.admit(second, resume=first.messages[0])
    lost = tuple(LostSession(older.id, 1, loss) for loss in LossReason)
    inbox = (CloseRequest(older.id, 1, 4500, "late"),)
    world.hub.apply_beat(answer(inbox=inbox, lost=lost))
    assert not newer.departed
    assert second.types == ["welcome"]


async def test_a_late_beat_does_not_end_the_newer_connection(
    world: WorkerHarness,
) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await world.admit(first)
    older.changed = True
    held = world.fickle.held["beat"] = asyncio.Event()
    await world.store.request_close(session=older.id, code=4008, reason="")
    asked_at = time.monotonic()
    beat = asyncio.create_task(world.beats.flush())
    await eventually_in_loop(lambda: "beat" not in world.fickle.held)
    # Any sooner, the request would be for the second connection, too.
    await eventually_in_loop(lambda: time.monotonic() > asked_at + 0.1)
    newer = await world.admit(second, resume=first.messages[0])
    held.set()
    await beat
    assert not newer.departed
    assert second.closed is None


# ---------------------------------------------------------------- while connected


async def test_a_bye_ends_the_session_with_1000(world: WorkerHarness) -> None:
    wire = FakeTransport()
    session = await world.admit(wire)
    world.hub.receive(session, Bye())
    await world.settle()
    assert wire.closed == 1000
    assert await world.store.get(session.id) is None
    (row,) = await world.history()
    assert (row.session, row.code, row.reason, row.user) == (session.id, 1000, "bye", "1")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1000, "normal closure"),
        (1001, "client went away"),
        (1005, "client went away"),
        (4006, "page frozen"),
        (3999, "code 3999"),
    ],
)
async def test_a_client_that_closes_is_suspended_with_its_own_code(
    world: WorkerHarness, code: int, reason: str
) -> None:
    session = await world.admit(FakeTransport())
    world.hub.on_disconnect(session, code)
    await world.settle()
    record = await world.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code, record.end_reason) == (SUSPENDED, code, reason)


async def test_online_is_at_least_the_number_of_sessions_here(world: WorkerHarness) -> None:
    wires = [FakeTransport(), FakeTransport()]
    session, _ = [await world.admit(wire) for wire in wires]
    world.hub.receive(session, ClientPing(sequence=1))
    world.hub.apply_beat(answer(online=142))
    world.hub.receive(session, ClientPing(sequence=2))
    await session.connection.flush()
    assert [m["online"] for m in wires[0].messages if m["type"] == "pong"] == [2, 142]


async def test_the_report_counts_over_all_sessions(world: WorkerHarness) -> None:
    sessions = [await world.admit(FakeTransport()) for _ in range(2)]
    for session in sessions:
        world.hub.tick(session, session.heartbeat.due)
        world.hub.receive(session, ClientPong(sequence=1))
    world.hub.receive(sessions[0], ClientPong(sequence=1))
    report = world.hub.report()
    assert (report.connections, report.pings, report.pongs, report.timeouts) == (2, 2, 2, 0)


async def test_a_silent_client_is_suspended_before_its_goodbye(
    world: WorkerHarness,
) -> None:
    wire = FakeTransport()
    session = await world.admit(wire)
    world.fickle.held["suspend"] = held = asyncio.Event()
    while not session.departed:
        world.hub.tick(session, session.heartbeat.due)
    await eventually_in_loop(lambda: world.fickle.called("suspend"))
    assert "goodbye" not in wire.types  # the report comes first
    held.set()
    await world.settle()
    record = await world.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code, record.end_reason) == (
        SUSPENDED,
        4002,
        "heartbeat timeout",
    )
    assert (wire.closed, wire.goodbye["delay"]) == (4002, [0, 5000])
    assert world.hub.report().timeouts == 1


# ---------------------------------------------------------------- ends


@pytest.mark.parametrize("code", [1001, 4001, 4002, 4008, 4009, 4400])
async def test_an_end_below_4500_suspends(world: WorkerHarness, code: int) -> None:
    wire = FakeTransport()
    session = await world.admit(wire)
    world.hub.end(session, code, "so")
    await world.settle()
    record = await world.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code, record.end_reason) == (SUSPENDED, code, "so")
    assert (wire.closed, wire.goodbye["reconnect"]) == (code, True)


@pytest.mark.parametrize("code", [4500, 4503, 4505, 4700])
async def test_an_end_from_4500_on_closes(world: WorkerHarness, code: int) -> None:
    wire = FakeTransport()
    session = await world.admit(wire)
    world.hub.end(session, code)
    await world.settle()
    assert await world.store.get(session.id) is None
    assert [row.code for row in await world.history()] == [code]
    assert (wire.closed, wire.goodbye["reconnect"]) == (code, False)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 4006, 4500, 4999])
async def test_a_closed_transport_suspends_with_any_code_of_the_client(
    world: WorkerHarness, code: int
) -> None:
    session = await world.admit(FakeTransport())
    world.hub.on_disconnect(session, code)
    await world.settle()
    record = await world.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code) == (SUSPENDED, code)


async def test_a_connection_that_ended_itself_reports_its_own_code(
    world: WorkerHarness,
) -> None:
    rated, broken = await world.admit(FakeTransport()), await world.admit(FakeTransport())
    rated.connection.end(CloseCode.RATE_LIMIT)
    broken.connection.end(CloseCode.PROTOCOL_ERRORS)
    world.hub.on_disconnect(rated, 1006)
    world.hub.on_disconnect(broken, 1006)
    await world.settle()
    record = await world.store.get(rated.id)
    assert record is not None
    assert (record.state, record.end_code) == (SUSPENDED, 4004)
    assert [row.code for row in await world.history()] == [4505]


async def test_a_session_ends_once(world: WorkerHarness) -> None:
    wire = FakeTransport()
    session = await world.admit(wire)
    world.hub.end(session, 4500)
    world.hub.end(session, 4503)
    world.hub.on_disconnect(session, 1006)
    world.hub.receive(session, Bye())
    await world.settle()
    assert [row.code for row in await world.history()] == [4500]
    assert wire.closed == 4500


async def test_a_close_request_ends_the_session(world: WorkerHarness) -> None:
    wire = FakeTransport()
    session = await world.admit(wire)
    await world.store.request_close(session=session.id, code=4500, reason="out")
    await world.beats.flush()
    await world.settle()
    assert (wire.closed, wire.goodbye["reason"]) == (4500, "out")
    assert [row.reason for row in await world.history()] == ["out"]


async def test_close_requests_for_other_sessions_are_ignored(world: WorkerHarness) -> None:
    session = await world.admit(FakeTransport())
    inbox = (CloseRequest("unknown", 1, 4500, ""), CloseRequest(session.id, 7, 4500, ""))
    world.hub.apply_beat(answer(inbox=inbox))
    assert not session.departed


async def test_a_shutdown_suspends_all_sessions_with_a_delay(world: WorkerHarness) -> None:
    wires = [FakeTransport() for _ in range(3)]
    sessions = [await world.admit(wire) for wire in wires]
    assert world.hub.end_all() == sessions
    await world.settle()
    assert [wire.closed for wire in wires] == [4001] * 3
    assert wires[0].goodbye["delay"] == [0, 5000]
    assert (await world.store.stats()).suspended == 3
