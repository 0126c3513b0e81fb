"""Delivery to one connection, and the counts of what it has received."""

import time

import pytest

from realtime.protocol.messages import ClientPong, Received
from realtime.protocol.position import Gap, Position
from realtime.protocol.window import WINDOW, WINDOW_BYTES
from realtime.store.log import LogEntry
from realtime.worker.rooms.encoding import EncodedPublication, encode_publication
from realtime.worker.sessions.session import ConnectedSession
from realtime.worker.sessions.ticker import Ticker
from tests.polling import eventually_in_loop

from ..conftest import WorkerHarness
from ..fakes import FakeTransport, settled

ROOM = "open:a"


@pytest.fixture
async def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
async def session(harness: WorkerHarness, transport: FakeTransport) -> ConnectedSession:
    return await harness.admit(transport, rooms={ROOM: None})


def publication(offset: int = 1, size: int = 0) -> EncodedPublication:
    return encode_publication(ROOM, LogEntry(offset, 1, f'"{"x" * size}"'))


def messages_of(transport: FakeTransport, kind: str) -> list[dict[str, object]]:
    return [message for message in transport.messages if message["type"] == kind]


def replay(session: ConnectedSession, publication: EncodedPublication) -> bool:
    return session.room_reader.offer(ROOM, publication, replayed=True)


async def fill(session: ConnectedSession) -> None:
    """Offer publications until the window is full."""
    for offset in range(WINDOW):
        assert replay(session, publication(offset))
    assert not replay(session, publication())
    await session.connection.flush()


async def test_a_full_window_causes_one_ping(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession
) -> None:
    await fill(session)
    assert not replay(session, publication())
    await session.connection.flush()
    (ping,) = messages_of(transport, "ping")
    assert (ping["sequence"], ping["delivered"]) == (1, WINDOW)
    assert harness.hub.report().pings == 1


async def test_a_full_window_waits_for_an_outstanding_ping(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession
) -> None:
    harness.hub.tick(session, session.heartbeat.due)
    await fill(session)
    assert [ping["delivered"] for ping in messages_of(transport, "ping")] == [0]
    harness.hub.receive(session, ClientPong(sequence=1, received=0))
    await session.connection.flush()
    # That ping had counted nothing, and nothing else makes the peer answer.
    assert [ping["delivered"] for ping in messages_of(transport, "ping")] == [0, WINDOW]


async def test_an_early_ping_moves_the_next_tick_forward(
    harness: WorkerHarness, session: ConnectedSession
) -> None:
    """Its answer is due in 10 s, while the beat before was due in 12.5 or more."""
    before = session.next_tick
    await fill(session)
    assert session.next_tick == session.heartbeat.due < before
    for seconds in range(1, 60):
        harness.hub.ticker.tick(before - 12.5 + seconds)
        if session.departed:
            break
    assert session.misses == 3
    assert len([each for each in harness.hub.ticker._heap if each[2]() is session]) <= 1


async def test_a_replaced_entry_of_the_ticker_does_nothing(harness: WorkerHarness) -> None:
    session = await harness.admit(FakeTransport())
    beats: list[float] = []

    def beat(session: ConnectedSession, now: float) -> None:
        beats.append(now)
        session.tick(now)

    ticker = Ticker([], tick_session=beat, sessions=list, max_delay=5.0, grain=0.02)
    due = session.heartbeat.due
    ticker.watch(session, not_before=due + 5.0)
    ticker.watch(session)
    ticker.tick(due)
    ticker.tick(due + 5.0)
    assert beats == [due]
    assert len(ticker._heap) == 1


async def test_a_publication_larger_than_the_window_is_delivered_alone(
    session: ConnectedSession,
) -> None:
    large = publication(size=WINDOW_BYTES)
    assert replay(session, large)
    assert not replay(session, publication())


async def test_a_count_of_the_peer_resumes_delivery(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession
) -> None:
    for _ in range(WINDOW + 10):
        await harness.publish(ROOM)
    await eventually_in_loop(lambda: messages_of(transport, "ping"))
    await settled()
    assert len(messages_of(transport, "publication")) == WINDOW
    harness.hub.receive(session, Received(count=4))
    await eventually_in_loop(lambda: len(messages_of(transport, "publication")) == WINDOW + 4)
    harness.hub.receive(session, ClientPong(sequence=1, received=WINDOW))
    await eventually_in_loop(lambda: len(messages_of(transport, "publication")) == WINDOW + 10)
    assert [each["offset"] for each in messages_of(transport, "publication")] == list(
        range(1, WINDOW + 11)
    )
    assert harness.rooms.deliveries.replayed == 10


async def test_publications_count_as_frames(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession
) -> None:
    before = len(transport.messages)
    await harness.publish(ROOM)
    await eventually_in_loop(lambda: messages_of(transport, "publication"))
    replay(session, publication(2))
    session.connection.send_bytes(b"3")
    await session.connection.flush()
    assert len(transport.events) - before == 3
    assert session.totals.frames_out == before + 3


@pytest.mark.parametrize("received", [0, 2])
async def test_a_pong_with_a_wrong_count_ends_with_4007(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession, received: int
) -> None:
    replay(session, publication())
    harness.hub.tick(session, session.heartbeat.due)
    replay(session, publication(2))  # after the ping
    harness.hub.receive(session, ClientPong(sequence=1, received=received))
    await harness.settle()
    assert (transport.closed, transport.goodbye["reconnect"]) == (4007, True)
    record = await harness.store.get(session.id)
    assert record is not None
    assert (record.end_code, record.rooms) == (4007, (ROOM, "user:1"))


async def test_a_pong_counts_what_was_delivered_before_its_ping(
    harness: WorkerHarness, session: ConnectedSession
) -> None:
    for offset in range(1, 4):
        replay(session, publication(offset))
        harness.hub.tick(session, session.heartbeat.due)
    harness.hub.receive(session, ClientPong(sequence=2, received=2))
    harness.hub.receive(session, ClientPong(sequence=1, received=7))  # settled already: ignored
    harness.hub.receive(session, ClientPong(sequence=3, received=3))
    assert not session.departed


@pytest.mark.parametrize("counts", [[2], [1, 0]])
async def test_a_count_that_is_too_high_or_falls_ends_with_4007(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession, counts: list[int]
) -> None:
    replay(session, publication())
    for count in counts:
        harness.hub.receive(session, Received(count=count))
    await harness.settle()
    assert transport.closed == 4007


async def test_a_rising_count_is_free_of_the_rate_limit(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession
) -> None:
    await fill(session)
    received = '{"type":"received","count":%d}'
    for count in range(1, WINDOW + 1):
        message = session.connection.read(received % count)
        assert message is not None, count
        harness.hub.receive(session, message)
    for _ in range(WINDOW):
        if (message := session.connection.read(received % WINDOW)) is not None:
            harness.hub.receive(session, message)
    await harness.settle()
    assert transport.closed == 4004


async def test_a_valid_pong_is_free_of_the_rate_limit(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession
) -> None:
    pong = '{"type":"pong","sequence":%d}'
    for sequence in range(1, WINDOW + 1):
        session.ping_now(time.monotonic())
        message = session.connection.read(pong % sequence)
        assert message is not None, sequence
        harness.hub.receive(session, message)
    for _ in range(WINDOW):
        if (message := session.connection.read(pong % sequence)) is not None:
            harness.hub.receive(session, message)
    await harness.settle()
    assert transport.closed == 4004


async def test_a_count_is_a_sign_of_life(harness: WorkerHarness, session: ConnectedSession) -> None:
    for _ in range(2):
        harness.hub.tick(session, session.heartbeat.due)
    assert session.heartbeat.missed == 1
    harness.hub.receive(session, Received(count=0))
    assert session.heartbeat.missed == 0


async def test_a_gap_is_sent_unrequested(
    transport: FakeTransport, session: ConnectedSession
) -> None:
    session.room_reader.on_gap(ROOM, Position("k", 7), Gap.EXPIRED)
    await session.connection.flush()
    assert transport.messages[-1] == {
        "type": "joined",
        "room": ROOM,
        "epoch": "k",
        "offset": 7,
        "recovered": False,
        "reason": "expired",
    }


async def test_a_departed_session_gets_no_publication_and_no_ping(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession
) -> None:
    harness.hub.on_disconnect(session, 1006)
    await harness.publish(ROOM)
    await settled()
    assert messages_of(transport, "publication") == []
    await fill(session)
    assert session.pings == 0
    assert session.rooms == (ROOM, "user:1")  # for the callers that report what it has left


async def test_a_room_that_was_left_is_no_longer_the_session_s(
    harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession
) -> None:
    session.leave(ROOM)
    assert session.room_reader.room_names == {"user:1"}
    assert session.rooms == ("user:1",)
    assert list(harness.rooms.names()) == ["user:1"]
    await harness.publish(ROOM)
    await settled()
    assert messages_of(transport, "publication") == []
