"""What a connection is handed, and what it says it has received."""

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
async def wire() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
async def session(world: WorkerHarness, wire: FakeTransport) -> ConnectedSession:
    return await world.admit(wire, rooms={ROOM: None})


def publication(offset: int = 1, size: int = 0) -> EncodedPublication:
    return encode_publication(ROOM, LogEntry(offset, 1, f'"{"x" * size}"'))


def of(wire: FakeTransport, kind: str) -> list[dict[str, object]]:
    return [message for message in wire.messages if message["type"] == kind]


def replay(session: ConnectedSession, publication: EncodedPublication) -> bool:
    return session.room_reader.offer(ROOM, publication, replayed=True)


async def fill(session: ConnectedSession) -> None:
    """Hand over as many as it takes."""
    for offset in range(WINDOW):
        assert replay(session, publication(offset))
    assert not replay(session, publication())
    await session.connection.flush()


async def test_a_full_window_is_pinged_about_once(
    world: WorkerHarness, wire: FakeTransport, session: ConnectedSession
) -> None:
    await fill(session)
    assert not replay(session, publication())
    await session.connection.flush()
    (ping,) = of(wire, "ping")
    assert (ping["sequence"], ping["delivered"]) == (1, WINDOW)
    assert world.hub.report().pings == 1


async def test_a_ping_that_is_outstanding_is_waited_for(
    world: WorkerHarness, wire: FakeTransport, session: ConnectedSession
) -> None:
    world.hub.tick(session, session.heartbeat.due)
    await fill(session)
    assert [ping["delivered"] for ping in of(wire, "ping")] == [0]
    world.hub.receive(session, ClientPong(sequence=1, received=0))
    await session.connection.flush()
    # That one knew of nothing, and nothing else would make the peer answer.
    assert [ping["delivered"] for ping in of(wire, "ping")] == [0, WINDOW]


async def test_who_is_pinged_at_once_is_watched_sooner(
    world: WorkerHarness, session: ConnectedSession
) -> None:
    """Its answer is due in 10 s, while the beat before was due in 12.5 or more."""
    before = session.next_tick
    await fill(session)
    assert session.next_tick == session.heartbeat.due < before
    for seconds in range(1, 60):
        world.hub.ticker.tick(before - 12.5 + seconds)
        if session.departed:
            break
    assert session.misses == 3
    assert len([each for each in world.hub.ticker._heap if each[2]() is session]) <= 1


async def test_an_entry_that_was_replaced_asks_nobody(world: WorkerHarness) -> None:
    session = await world.admit(FakeTransport())
    asked: list[float] = []

    def beat(session: ConnectedSession, now: float) -> None:
        asked.append(now)
        session.tick(now)

    ticker = Ticker([], tick_session=beat, sessions=list, max_delay=5.0, grain=0.02)
    due = session.heartbeat.due
    ticker.watch(session, not_before=due + 5.0)
    ticker.watch(session)
    ticker.tick(due)
    ticker.tick(due + 5.0)
    assert asked == [due]
    assert len(ticker._heap) == 1


async def test_one_that_is_larger_than_the_window_is_handed_alone(
    session: ConnectedSession,
) -> None:
    large = publication(size=WINDOW_BYTES)
    assert replay(session, large)
    assert not replay(session, publication())


async def test_an_answer_lets_it_be_served_again(
    world: WorkerHarness, wire: FakeTransport, session: ConnectedSession
) -> None:
    for _ in range(WINDOW + 10):
        await world.publish(ROOM)
    await eventually_in_loop(lambda: of(wire, "ping"))
    await settled()
    assert len(of(wire, "publication")) == WINDOW
    world.hub.receive(session, Received(count=4))
    await eventually_in_loop(lambda: len(of(wire, "publication")) == WINDOW + 4)
    world.hub.receive(session, ClientPong(sequence=1, received=WINDOW))
    await eventually_in_loop(lambda: len(of(wire, "publication")) == WINDOW + 10)
    assert [each["offset"] for each in of(wire, "publication")] == list(range(1, WINDOW + 11))
    assert world.rooms.deliveries.replayed == 10


async def test_publications_are_frames_like_the_others(
    world: WorkerHarness, wire: FakeTransport, session: ConnectedSession
) -> None:
    before = len(wire.messages)
    await world.publish(ROOM)
    await eventually_in_loop(lambda: of(wire, "publication"))
    replay(session, publication(2))
    session.connection.send_bytes(b"3")
    await session.connection.flush()
    assert len(wire.events) - before == 3
    assert session.totals.frames_out == before + 3


@pytest.mark.parametrize("received", [0, 2])
async def test_a_pong_that_counts_wrong_is_4007(
    world: WorkerHarness, wire: FakeTransport, session: ConnectedSession, received: int
) -> None:
    replay(session, publication())
    world.hub.tick(session, session.heartbeat.due)
    replay(session, publication(2))  # after the ping
    world.hub.receive(session, ClientPong(sequence=1, received=received))
    await world.settle()
    assert (wire.closed, wire.goodbye["reconnect"]) == (4007, True)
    record = await world.store.get(session.id)
    assert record is not None
    assert (record.end_code, record.rooms) == (4007, (ROOM, "user:1"))


async def test_a_pong_counts_what_was_delivered_before_its_ping(
    world: WorkerHarness, session: ConnectedSession
) -> None:
    for offset in range(1, 4):
        replay(session, publication(offset))
        world.hub.tick(session, session.heartbeat.due)
    world.hub.receive(session, ClientPong(sequence=2, received=2))
    world.hub.receive(session, ClientPong(sequence=1, received=7))  # settled: nobody looks
    world.hub.receive(session, ClientPong(sequence=3, received=3))
    assert not session.departed


@pytest.mark.parametrize("counts", [[2], [1, 0]])
async def test_a_count_that_exceeds_or_falls_is_4007(
    world: WorkerHarness, wire: FakeTransport, session: ConnectedSession, counts: list[int]
) -> None:
    replay(session, publication())
    for count in counts:
        world.hub.receive(session, Received(count=count))
    await world.settle()
    assert wire.closed == 4007


async def test_a_count_that_tells_news_costs_nothing_of_the_rate(
    world: WorkerHarness, wire: FakeTransport, session: ConnectedSession
) -> None:
    await fill(session)
    say = '{"type":"received","count":%d}'
    for count in range(1, WINDOW + 1):
        message = session.connection.read(say % count)
        assert message is not None, count
        world.hub.receive(session, message)
    for _ in range(WINDOW):
        if (message := session.connection.read(say % WINDOW)) is not None:
            world.hub.receive(session, message)
    await world.settle()
    assert wire.closed == 4004


async def test_the_answer_to_a_ping_of_ours_costs_nothing_of_the_rate(
    world: WorkerHarness, wire: FakeTransport, session: ConnectedSession
) -> None:
    pong = '{"type":"pong","sequence":%d}'
    for sequence in range(1, WINDOW + 1):
        session.ping_now(time.monotonic())
        message = session.connection.read(pong % sequence)
        assert message is not None, sequence
        world.hub.receive(session, message)
    for _ in range(WINDOW):
        if (message := session.connection.read(pong % sequence)) is not None:
            world.hub.receive(session, message)
    await world.settle()
    assert wire.closed == 4004


async def test_a_count_is_a_sign_of_life(world: WorkerHarness, session: ConnectedSession) -> None:
    for _ in range(2):
        world.hub.tick(session, session.heartbeat.due)
    assert session.heartbeat.missed == 1
    world.hub.receive(session, Received(count=0))
    assert session.heartbeat.missed == 0


async def test_what_is_lost_is_told_unasked(wire: FakeTransport, session: ConnectedSession) -> None:
    session.room_reader.on_gap(ROOM, Position("k", 7), Gap.EXPIRED)
    await session.connection.flush()
    assert wire.messages[-1] == {
        "type": "joined",
        "room": ROOM,
        "epoch": "k",
        "offset": 7,
        "recovered": False,
        "reason": "expired",
    }


async def test_who_has_departed_is_handed_nothing_and_pinged_by_nobody(
    world: WorkerHarness, wire: FakeTransport, session: ConnectedSession
) -> None:
    world.hub.on_disconnect(session, 1006)
    await world.publish(ROOM)
    await settled()
    assert of(wire, "publication") == []
    await fill(session)
    assert session.pings == 0
    assert session.rooms == (ROOM, "user:1")  # for whoever has to know what it has left
