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
from ..fakes import WELCOME, FakeTransport, live

CONNECTED, SUSPENDED = SessionState.CONNECTED, SessionState.SUSPENDED


def answer(*, online: int = 1, **given: Any) -> BeatAnswer:
    """A store's answer to a beat."""
    return BeatAnswer(renewed=True, online=online, workers=1, incarnation="", **given)


# ---------------------------------------------------------------- lost


async def test_a_session_resumed_elsewhere_is_dropped_with_4506(harness: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await harness.admit(first)
    elsewhere = harness.other("w2")
    await elsewhere.beats.flush()
    newer = await elsewhere.admit(second, resume=first.messages[0])
    older.changed = True
    await harness.beats.flush()
    await older.connection.flush()
    assert first.closed == 4506
    assert list(harness.hub.connected()) == []
    assert not newer.departed


async def test_a_session_closed_meanwhile_is_dropped_with_4002(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    session = await harness.admit(transport)
    departure = Departure(session.as_update(0.0), 4002, "heartbeat timeout")
    await harness.store.close("w1", [departure], "x")
    await harness.store.confirm([session.id])
    session.changed = True
    await harness.beats.flush()
    await session.connection.flush()
    assert transport.closed == 4002


async def test_a_session_resumed_here_during_the_beat_is_not_dropped(
    harness: WorkerHarness,
) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await harness.admit(first)
    newer = await harness.admit(second, resume=first.messages[0])
    lost = tuple(LostSession(older.id, 1, loss) for loss in LossReason)
    inbox = (CloseRequest(older.id, 1, 4500, "late"),)
    harness.beats.apply(answer(inbox=inbox, lost=lost))
    assert not newer.departed
    assert second.types == ["welcome"]


async def test_a_connection_that_a_later_resume_has_overtaken_ends_with_4506(
    harness: WorkerHarness,
) -> None:
    newer = await harness.admit(FakeTransport())
    transport = FakeTransport()
    late = live(newer.id, transport=transport)
    harness.hub.welcome(late, {}, WELCOME)
    await late.connection.flush()
    assert transport.types == ["goodbye"]
    assert (late.departed, transport.closed) == (True, 4506)
    assert list(harness.hub.connected()) == [newer]


async def test_a_late_beat_does_not_end_the_newer_connection(
    harness: WorkerHarness,
) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await harness.admit(first)
    older.changed = True
    held = harness.flaky_store.held["beat"] = asyncio.Event()
    await harness.store.request_close(session=older.id, code=4008, reason="")
    asked_at = time.monotonic()
    beat = asyncio.create_task(harness.beats.flush())
    await eventually_in_loop(lambda: "beat" not in harness.flaky_store.held)
    # Any sooner, the request would be for the second connection, too.
    await eventually_in_loop(lambda: time.monotonic() > asked_at + 0.1)
    newer = await harness.admit(second, resume=first.messages[0])
    held.set()
    await beat
    assert not newer.departed
    assert second.closed is None


# ---------------------------------------------------------------- while connected


async def test_a_bye_ends_the_session_with_1000(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    session = await harness.admit(transport)
    harness.hub.receive(session, Bye())
    await harness.settle()
    assert transport.closed == 1000
    assert await harness.store.get(session.id) is None
    (row,) = await harness.history()
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
    harness: WorkerHarness, code: int, reason: str
) -> None:
    session = await harness.admit(FakeTransport())
    harness.hub.on_disconnect(session, code)
    await harness.settle()
    record = await harness.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code, record.end_reason) == (SUSPENDED, code, reason)


async def test_online_is_at_least_the_number_of_sessions_here(harness: WorkerHarness) -> None:
    transports = [FakeTransport(), FakeTransport()]
    session, _ = [await harness.admit(transport) for transport in transports]
    harness.hub.receive(session, ClientPing(sequence=1))
    harness.beats.apply(answer(online=142))
    harness.hub.receive(session, ClientPing(sequence=2))
    await session.connection.flush()
    assert [m["online"] for m in transports[0].messages if m["type"] == "pong"] == [2, 142]


async def test_the_report_counts_over_all_sessions(harness: WorkerHarness) -> None:
    sessions = [await harness.admit(FakeTransport()) for _ in range(2)]
    for session in sessions:
        harness.hub.tick(session, session.heartbeat.due)
        harness.hub.receive(session, ClientPong(sequence=1))
    harness.hub.receive(sessions[0], ClientPong(sequence=1))
    report = harness.hub.report()
    assert (report.connections, report.pings, report.pongs, report.timeouts) == (2, 2, 2, 0)


async def test_a_silent_client_is_suspended_before_its_goodbye(
    harness: WorkerHarness,
) -> None:
    transport = FakeTransport()
    session = await harness.admit(transport)
    harness.flaky_store.held["suspend"] = held = asyncio.Event()
    while not session.departed:
        harness.hub.tick(session, session.heartbeat.due)
    await eventually_in_loop(lambda: harness.flaky_store.called("suspend"))
    assert "goodbye" not in transport.types  # the report comes first
    held.set()
    await harness.settle()
    record = await harness.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code, record.end_reason) == (
        SUSPENDED,
        4002,
        "heartbeat timeout",
    )
    assert (transport.closed, transport.goodbye["delay"]) == (4002, [0, 5000])
    assert harness.hub.report().timeouts == 1


# ---------------------------------------------------------------- ends


@pytest.mark.parametrize("code", [1001, 4001, 4002, 4008, 4009, 4400])
async def test_an_end_below_4500_suspends(harness: WorkerHarness, code: int) -> None:
    transport = FakeTransport()
    session = await harness.admit(transport)
    harness.hub.end(session, code, "so")
    await harness.settle()
    record = await harness.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code, record.end_reason) == (SUSPENDED, code, "so")
    assert (transport.closed, transport.goodbye["reconnect"]) == (code, True)


@pytest.mark.parametrize("code", [4500, 4503, 4505, 4700])
async def test_an_end_from_4500_on_closes(harness: WorkerHarness, code: int) -> None:
    transport = FakeTransport()
    session = await harness.admit(transport)
    harness.hub.end(session, code)
    await harness.settle()
    assert await harness.store.get(session.id) is None
    assert [row.code for row in await harness.history()] == [code]
    assert (transport.closed, transport.goodbye["reconnect"]) == (code, False)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 4006, 4500, 4999])
async def test_a_closed_transport_suspends_with_any_code_of_the_client(
    harness: WorkerHarness, code: int
) -> None:
    session = await harness.admit(FakeTransport())
    harness.hub.on_disconnect(session, code)
    await harness.settle()
    record = await harness.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code) == (SUSPENDED, code)


async def test_a_connection_that_ended_itself_reports_its_own_code(
    harness: WorkerHarness,
) -> None:
    rated, broken = await harness.admit(FakeTransport()), await harness.admit(FakeTransport())
    rated.connection.end(CloseCode.RATE_LIMIT)
    broken.connection.end(CloseCode.PROTOCOL_ERRORS)
    harness.hub.on_disconnect(rated, 1006)
    harness.hub.on_disconnect(broken, 1006)
    await harness.settle()
    record = await harness.store.get(rated.id)
    assert record is not None
    assert (record.state, record.end_code) == (SUSPENDED, 4004)
    assert [row.code for row in await harness.history()] == [4505]


async def test_ends_are_logged(harness: WorkerHarness, caplog: pytest.LogCaptureFixture) -> None:
    sessions = [await harness.admit(FakeTransport()) for _ in range(3)]
    caplog.clear()
    harness.hub.end(sessions[0], 4500)
    harness.hub.end(sessions[1], 4002)
    harness.hub.drop_lost([LostSession(sessions[2].id, 1, LossReason.TAKEN_OVER)])
    ends = ("closed: 4500", "suspended: 4002", "has left this worker: 4506")
    for line, end in zip(caplog.messages, ends, strict=True):
        assert end in line


async def test_a_session_ends_once(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    session = await harness.admit(transport)
    harness.hub.end(session, 4500)
    harness.hub.end(session, 4503)
    harness.hub.on_disconnect(session, 1006)
    harness.hub.receive(session, Bye())
    await harness.settle()
    assert [row.code for row in await harness.history()] == [4500]
    assert transport.closed == 4500


async def test_a_close_request_ends_the_session(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    session = await harness.admit(transport)
    await harness.store.request_close(session=session.id, code=4500, reason="out")
    await harness.beats.flush()
    await harness.settle()
    assert (transport.closed, transport.goodbye["reason"]) == (4500, "out")
    assert [row.reason for row in await harness.history()] == ["out"]


async def test_close_requests_for_other_sessions_are_ignored(harness: WorkerHarness) -> None:
    session = await harness.admit(FakeTransport())
    inbox = (CloseRequest("unknown", 1, 4500, ""), CloseRequest(session.id, 7, 4500, ""))
    harness.beats.apply(answer(inbox=inbox))
    assert not session.departed


async def test_a_shutdown_suspends_all_sessions_with_a_delay(harness: WorkerHarness) -> None:
    transports = [FakeTransport() for _ in range(3)]
    sessions = [await harness.admit(transport) for transport in transports]
    assert harness.hub.end_all() == sessions
    await harness.settle()
    assert [transport.closed for transport in transports] == [4001] * 3
    assert transports[0].goodbye["delay"] == [0, 5000]
    assert (await harness.store.stats()).suspended == 3
