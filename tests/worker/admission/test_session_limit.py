"""Admission with a session limit: a new session is refused, or the oldest is closed."""

from typing import Any

import pytest

from realtime.protocol.messages import Hello, Resume
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Peer, SessionLimit

from ..conftest import ADA, FakeApplication, WorkerHarness, handlers_of
from ..fakes import FakeTransport, connect


def limited(harness: WorkerHarness, *, evict_oldest: bool) -> WorkerHarness:
    """Limit each user to one session."""
    harness.admission._limit = SessionLimit(max_sessions=1, evict_oldest=evict_oldest)
    return harness


async def refused(harness: WorkerHarness, **resume: Any) -> FakeTransport:
    """A connection that exceeds the limit."""
    transport = FakeTransport()
    connection = connect(transport)
    hello = Hello(protocol=1, resume=Resume(**resume) if resume else None)
    with harness.hub.without_session(connection):
        handlers = handlers_of(FakeApplication(ADA))
        assert await harness.admission.admit(connection, hello, handlers) is None
    await connection.flush()
    return transport


async def test_a_refused_client_is_asked_to_stay_away(harness: WorkerHarness) -> None:
    await limited(harness, evict_oldest=False).admit(FakeTransport())
    transport = await refused(harness)
    expected = {"code": 4504, "reason": "too many sessions", "reconnect": False}
    assert transport.types == ["goodbye"]
    assert expected.items() <= transport.goodbye.items()
    assert transport.closed == 4504


async def test_a_refused_client_leaves_no_trace(harness: WorkerHarness) -> None:
    session = await limited(harness, evict_oldest=False).admit(FakeTransport())
    await refused(harness)
    assert len(harness.disconnects) == 0
    assert [each.id for each in harness.hub.connected()] == [session.id]
    assert [each.id for each in harness.opened] == [session.id]
    assert [each.id for each in await harness.store.of_user("1")] == [session.id]
    await harness.beats.flush()
    await harness.sweeper.sweep()
    assert await harness.history() == []


async def test_other_users_are_not_limited(harness: WorkerHarness) -> None:
    await limited(harness, evict_oldest=False).admit(FakeTransport())
    await harness.admit(FakeTransport(), peer=Peer(user="2"))
    for _ in range(2):
        await harness.admit(FakeTransport(), peer=Peer())
    assert len(harness.hub.connected()) == 4


async def test_a_resume_is_not_refused(harness: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    session = await limited(harness, evict_oldest=False).admit(first)
    newer = await harness.admit(second, resume=first.messages[0])
    assert (newer.id, second.messages[0]["resumed"]) == (session.id, True)


async def test_a_resume_that_fails_counts_as_a_new_session(harness: WorkerHarness) -> None:
    await limited(harness, evict_oldest=False).admit(FakeTransport())
    transport = await refused(harness, session="0" * 32, token="made up")
    assert transport.closed == 4504


async def test_there_is_room_after_a_bye(harness: WorkerHarness) -> None:
    session = await limited(harness, evict_oldest=False).admit(FakeTransport())
    harness.hub.end(session, 4500)
    await harness.settle()
    assert (await harness.admit(FakeTransport())).id != session.id


async def test_a_suspended_one_makes_room(harness: WorkerHarness) -> None:
    session = await limited(harness, evict_oldest=False).admit(FakeTransport())
    harness.hub.on_disconnect(session, 1006)
    await harness.settle()
    await harness.admit(FakeTransport())
    await harness.sweeper.sweep()
    (closed,) = await harness.history()
    assert (closed.session, closed.code) == (session.id, 4504)


async def test_the_oldest_is_closed_with_the_next_flush(harness: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    session = await limited(harness, evict_oldest=True).admit(first)
    newer = await harness.admit(second)
    await harness.beats.flush()
    await harness.settle()
    await session.connection.flush()
    assert (first.closed, first.goodbye["reconnect"], second.closed) == (4504, False, None)
    assert [each.id for each in await harness.store.of_user("1")] == [newer.id]
    (closed,) = await harness.history()
    assert (closed.session, closed.code, closed.reason) == (session.id, 4504, "too many sessions")


async def test_the_oldest_is_closed_by_its_own_worker(harness: WorkerHarness) -> None:
    other = harness.other("w2")
    first = FakeTransport()
    session = await other.admit(first)
    await limited(harness, evict_oldest=True).admit(FakeTransport())
    await harness.beats.flush()
    assert not session.departed
    await other.beats.flush()
    await other.settle()
    await session.connection.flush()
    assert first.closed == 4504


async def test_without_an_answer_of_the_store_the_limit_is_unknown(harness: WorkerHarness) -> None:
    limited(harness, evict_oldest=False).flaky_store.down = True
    with pytest.raises(StoreUnavailable):
        await harness.admit(FakeTransport())
    harness.flaky_store.down = False
    await harness.settle()
    assert await harness.admit(FakeTransport()) is not None
