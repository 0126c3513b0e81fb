"""A connected session: heartbeat, latency, totals."""

import time

import pytest

from realtime.protocol.heartbeat import Dead, SendPing, State
from realtime.protocol.messages import Bye, ClientPing, ClientPong, Hello, Visibility
from realtime.store.records import Totals
from realtime.worker.sessions.session import ConnectedSession, adopt_totals

from ..fakes import FakeTransport, connect, connected, live, record


@pytest.fixture
async def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
async def session(transport: FakeTransport) -> ConnectedSession:
    return live(transport=transport, now=0.0, first_ping=20.0)


async def test_a_due_tick_sends_a_ping(transport: FakeTransport, session: ConnectedSession) -> None:
    assert session.tick(20.0) == SendPing(sequence=1, missed=0)
    await session.connection.flush()
    (ping,) = transport.messages
    assert (ping["type"], ping["sequence"], ping["delivered"]) == ("ping", 1, 0)
    assert ping["timestamp"].endswith("Z")
    assert abs(ping["server_time"] / 1000 - time.time()) < 60
    assert session.totals.pings == 1


async def test_a_tick_that_is_not_due_does_nothing(session: ConnectedSession) -> None:
    assert session.tick(19.9) is None
    assert session.totals.pings == 0


async def test_a_pong_gives_the_latency(session: ConnectedSession) -> None:
    session.tick(20.0)
    session.receive(ClientPong(sequence=1), 20.0125, online=1)
    assert session.latency_ms == 12.5
    assert (session.totals.pongs, session.totals.invalid_pongs) == (1, 0)
    assert session.changed
    assert session.last_seen == 20.0125


async def test_a_wrong_pong_is_counted_and_changes_nothing(session: ConnectedSession) -> None:
    session.tick(20.0)
    session.receive(ClientPong(sequence=2), 20.5, online=1)
    session.receive(ClientPong(sequence=0), 20.5, online=1)
    assert (session.totals.pongs, session.totals.invalid_pongs) == (0, 2)
    assert (session.latency_ms, session.last_seen, session.changed) == (None, 0.0, False)


async def test_a_repeated_pong_is_invalid(session: ConnectedSession) -> None:
    session.tick(20.0)
    session.receive(ClientPong(sequence=1), 20.5, online=1)
    session.receive(ClientPong(sequence=1), 21.0, online=1)
    assert (session.totals.pongs, session.totals.invalid_pongs) == (1, 1)
    assert session.latency_ms == 500


async def test_silence_counts_as_misses_and_then_as_dead(session: ConnectedSession) -> None:
    assert [session.tick(now) for now in (20.0, 30.0, 40.0)][1:] == [
        SendPing(sequence=2, missed=1),
        SendPing(sequence=3, missed=2),
    ]
    assert session.heartbeat.state is State.UNSTABLE
    assert session.changed
    assert session.tick(50.0) == Dead(missed=3)
    assert (session.totals.pings, session.totals.misses) == (3, 3)


async def test_any_good_frame_clears_the_misses_and_is_reported(session: ConnectedSession) -> None:
    session.tick(20.0)
    session.tick(30.0)
    session.changed = False
    session.touch(31.0)
    assert session.heartbeat.missed == 0
    assert session.changed
    assert session.totals.misses == 1


async def test_traffic_of_a_healthy_client_is_not_reported(session: ConnectedSession) -> None:
    session.touch(1.0)
    assert not session.changed
    assert session.as_update(3.5).idle_ms == 2500


async def test_the_client_s_ping_is_answered(
    transport: FakeTransport, session: ConnectedSession
) -> None:
    session.receive(ClientPing(sequence=3, client_time=5), 1.0, online=142)
    await session.connection.flush()
    (pong,) = transport.messages
    expected = {"type": "pong", "sequence": 3, "client_time": 5, "status": "pong", "online": 142}
    assert expected.items() <= pong.items()
    assert pong.keys() - expected.keys() == {"server_time", "timestamp"}
    assert abs(pong["server_time"] / 1000 - time.time()) < 60


async def test_visibility_is_kept_and_reported(session: ConnectedSession) -> None:
    session.receive(Visibility(state="hidden"), 1.0, online=1)
    assert session.changed
    assert session.as_update(1.0).visibility == session.snapshot().visibility == "hidden"


async def test_a_second_hello_is_malformed(
    transport: FakeTransport, session: ConnectedSession
) -> None:
    session.receive(Hello(protocol=1), 1.0, online=1)
    await session.connection.flush()
    assert transport.messages[0]["code"] == "invalid_message"
    assert session.last_seen == 0.0


async def test_a_bye_is_not_handled_here(session: ConnectedSession) -> None:
    with pytest.raises(ValueError, match="Bye"):
        session.receive(Bye(), 1.0, online=1)


async def test_totals_include_those_of_earlier_connections(transport: FakeTransport) -> None:
    before = Totals(pings=10, pongs=9, invalid_pongs=1, misses=2, frames_in=30, frames_out=20)
    connection = connect(transport)
    session = connected(record(totals=before), connection, first_ping=1.0)
    session.tick(1.0)
    connection.read('{"type":"pong","sequence":1}')
    session.receive(ClientPong(sequence=1), 1.5, online=1)
    assert session.totals == Totals(
        pings=11, pongs=10, invalid_pongs=1, misses=2, frames_in=31, frames_out=21
    )
    assert session.snapshot().totals == session.as_update(2.0).totals == session.totals


async def test_a_takeover_here_adopts_the_latest_totals(session: ConnectedSession) -> None:
    session.tick(20.0)
    newer = record(generation=2, totals=Totals(pings=0))
    assert adopt_totals(newer, session).totals == session.totals
    assert adopt_totals(newer, session).generation == 2


async def test_an_update_names_session_and_generation(session: ConnectedSession) -> None:
    update = session.as_update(2.0)
    assert (update.session, update.generation, update.idle_ms, update.missed) == ("s1", 1, 2000, 0)


async def test_a_registration_has_all_that_a_store_needs(session: ConnectedSession) -> None:
    session.tick(20.0)
    session.receive(ClientPong(sequence=1), 20.5, online=1)
    session.receive(Visibility(state="hidden"), 21.0, online=1)
    registration = session.as_registration(23.0)
    assert registration.session == session.snapshot()
    assert (registration.session.visibility, registration.session.totals.pongs) == ("hidden", 1)
    assert (registration.token_hash, registration.connection) == ("digest", "c1")
    assert registration.idle_ms == 2000


async def test_the_idle_time_is_never_negative(
    session: ConnectedSession,
) -> None:
    session.touch(5.0)
    assert session.as_update(4.9).idle_ms == 0
