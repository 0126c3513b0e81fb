"""Admission with a session limit: a new session is refused, or the oldest is closed."""

from typing import Any

import pytest

from realtime.protocol.messages import Hello, Resume
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Peer, SessionLimit

from ..conftest import ADA, WorkerHarness, identify_as, permissions_of
from ..fakes import FakeTransport, connect


def limited(world: WorkerHarness, *, evict_oldest: bool) -> WorkerHarness:
    """Limit each user to one session."""
    world.admission._limit = SessionLimit(max_sessions=1, evict_oldest=evict_oldest)
    return world


async def refused(world: WorkerHarness, **resume: Any) -> FakeTransport:
    """A connection that exceeds the limit."""
    wire = FakeTransport()
    connection = connect(wire)
    hello = Hello(protocol=1, resume=Resume(**resume) if resume else None)
    with world.hub.in_handshake(connection):
        admitted = await world.admission.admit(
            connection, hello, identify_as(ADA, permissions_of(ADA))
        )
        assert admitted is None
    await connection.flush()
    return wire


async def test_a_refused_client_is_asked_to_stay_away(world: WorkerHarness) -> None:
    await limited(world, evict_oldest=False).admit(FakeTransport())
    wire = await refused(world)
    expected = {"code": 4504, "reason": "too many sessions", "reconnect": False}
    assert wire.types == ["goodbye"]
    assert expected.items() <= wire.goodbye.items()
    assert wire.closed == 4504


async def test_a_refused_client_leaves_no_trace(world: WorkerHarness) -> None:
    session = await limited(world, evict_oldest=False).admit(FakeTransport())
    await refused(world)
    assert len(world.disconnects) == 0
    assert [each.id for each in world.hub.connected()] == [session.id]
    assert [each.id for each in world.opened] == [session.id]
    assert [each.id for each in await world.store.of_user("1")] == [session.id]
    await world.beats.flush()
    await world.sweeper.sweep()
    assert await world.history() == []


async def test_other_users_are_not_limited(world: WorkerHarness) -> None:
    await limited(world, evict_oldest=False).admit(FakeTransport())
    await world.admit(FakeTransport(), peer=Peer(user="2"))
    for _ in range(2):
        await world.admit(FakeTransport(), peer=Peer())
    assert len(world.hub.connected()) == 4


async def test_a_resume_is_not_refused(world: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    session = await limited(world, evict_oldest=False).admit(first)
    newer = await world.admit(second, resume=first.messages[0])
    assert (newer.id, second.messages[0]["resumed"]) == (session.id, True)


async def test_a_resume_that_fails_counts_as_a_new_session(world: WorkerHarness) -> None:
    await limited(world, evict_oldest=False).admit(FakeTransport())
    wire = await refused(world, session="0" * 32, token="made up")
    assert wire.closed == 4504


async def test_there_is_room_after_a_bye(world: WorkerHarness) -> None:
    session = await limited(world, evict_oldest=False).admit(FakeTransport())
    world.hub.end(session, 4500)
    await world.settle()
    assert (await world.admit(FakeTransport())).id != session.id


async def test_a_suspended_one_makes_room(world: WorkerHarness) -> None:
    session = await limited(world, evict_oldest=False).admit(FakeTransport())
    world.hub.on_disconnect(session, 1006)
    await world.settle()
    await world.admit(FakeTransport())
    await world.sweeper.sweep()
    (closed,) = await world.history()
    assert (closed.session, closed.code) == (session.id, 4504)


async def test_the_oldest_is_closed_with_the_next_flush(world: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    session = await limited(world, evict_oldest=True).admit(first)
    newer = await world.admit(second)
    await world.beats.flush()
    await world.settle()
    await session.connection.flush()
    assert (first.closed, first.goodbye["reconnect"], second.closed) == (4504, False, None)
    assert [each.id for each in await world.store.of_user("1")] == [newer.id]
    (closed,) = await world.history()
    assert (closed.session, closed.code, closed.reason) == (session.id, 4504, "too many sessions")


async def test_the_oldest_is_closed_by_its_own_worker(world: WorkerHarness) -> None:
    other = world.other("w2")
    first = FakeTransport()
    session = await other.admit(first)
    await limited(world, evict_oldest=True).admit(FakeTransport())
    await world.beats.flush()
    assert not session.departed
    await other.beats.flush()
    await other.settle()
    await session.connection.flush()
    assert first.closed == 4504


async def test_without_an_answer_of_the_store_the_limit_is_unknown(world: WorkerHarness) -> None:
    limited(world, evict_oldest=False).fickle.down = True
    with pytest.raises(StoreUnavailable):
        await world.admit(FakeTransport())
    world.fickle.down = False
    await world.settle()
    assert await world.admit(FakeTransport()) is not None
