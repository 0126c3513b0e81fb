"""The hub's histogram of latencies holds exactly the connected sessions."""

import asyncio
import time
from typing import Any, cast

import pytest
from msgspec.structs import replace

from realtime.protocol.codes import CloseCode
from realtime.protocol.heartbeat import Policy
from realtime.protocol.messages import Bye, ClientPong
from realtime.store.histogram import LatencyHistogram
from realtime.store.log import Log
from realtime.store.records import Deliveries, Peer, Session, SessionState
from realtime.worker.connections.connection import Connection, FrameLimits
from realtime.worker.rooms.rooms import Rooms
from realtime.worker.sessions.hub import Hub, WorkerIdentity
from realtime.worker.sessions.session import ConnectedSession

from ..fakes import WELCOME


class Ignores:
    """A disconnect queue and ticker that do nothing."""

    def add(self, *_: Any) -> None: ...
    def watch(self, *_: Any) -> None: ...


@pytest.fixture
def hub() -> Hub:
    ignores: Any = Ignores()
    identity = WorkerIdentity("w1", "host", 1)
    hub = Hub(identity, ignores, deliveries=Deliveries, return_delay=(0, 0))
    hub.ticker = ignores
    return hub


async def send(_: dict[str, Any]) -> None:
    """A transport that ignores all events."""


def enter(hub: Hub, id_: str, **given: Any) -> ConnectedSession:
    record = Session(id_, SessionState.CONNECTED, 1, "w1", Peer(), 0, 0, 0)
    record = replace(record, **given)
    older = hub.get(id_)
    if older is not None and older.record.generation <= record.generation:
        hub.replace_connection(older)
    session = ConnectedSession(
        record,
        Connection(send, FrameLimits(1000, 100, 100), drop=lambda: None),
        Rooms(cast(Log, None)),
        Policy(ping_interval=25, pong_timeout=10, max_missed=3),
        time.monotonic(),
        first_ping=25,
        token_hash="digest",
        key="c1",
    )
    hub.welcome(session, {}, WELCOME)
    return session


def answer(hub: Hub, session: ConnectedSession) -> None:
    """Have the session pinged and answer the ping."""
    session.tick(session.heartbeat.due)
    pong = ClientPong(sequence=session.heartbeat.sequence)
    hub.receive(session, pong)


def check(hub: Hub) -> None:
    expected = LatencyHistogram()
    for session in hub.connected():
        expected.add(session.latency_ms)
    assert hub.report().latency == expected.sparse()


async def test_a_new_session_has_no_latency(hub: Hub) -> None:
    enter(hub, "s1")
    assert hub.report().latency == ()


async def test_a_resumed_session_keeps_its_latency(hub: Hub) -> None:
    enter(hub, "s1", latency_ms=12.0)
    check(hub)
    assert hub.report().latency != ()


async def test_a_pong_replaces_the_latency(hub: Hub) -> None:
    session = enter(hub, "s1", latency_ms=5000.0)
    before = hub.report().latency
    answer(hub, session)
    check(hub)
    assert hub.report().latency != before


@pytest.mark.parametrize("bye", [True, False])
async def test_the_latency_of_an_ended_session_is_removed_once(hub: Hub, bye: bool) -> None:
    session = enter(hub, "s1", latency_ms=12.0)
    enter(hub, "s2", latency_ms=70.0)
    if bye:
        hub.receive(session, Bye())
    else:
        hub.end(session, CloseCode.HEARTBEAT_TIMEOUT)
    hub.on_disconnect(session, 1006)  # has no effect
    check(hub)
    assert sum(count for _, count in hub.report().latency) == 1


async def test_a_session_taken_over_here_counts_once(hub: Hub) -> None:
    enter(hub, "s1", latency_ms=12.0)
    enter(hub, "s1", latency_ms=12.0, generation=2)
    overtaken = enter(hub, "s1", latency_ms=90.0, generation=1)
    assert overtaken.departed
    check(hub)
    assert sum(count for _, count in hub.report().latency) == 1
    await asyncio.sleep(0)
