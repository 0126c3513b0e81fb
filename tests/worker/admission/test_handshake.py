"""Admission on the real database store: sessions that begin, are resumed, taken over, and their
rooms."""

import asyncio
from typing import Any

import pytest

from realtime.models import LiveSession, Registry
from realtime.protocol.messages import Bye, Hello, Resume
from realtime.protocol.position import Position
from realtime.store.contract import AtCapacity, StoreUnavailable
from realtime.store.records import Peer, SessionState
from realtime.worker.admission.handshake import MAX_CONCURRENT
from realtime.worker.connections.connection import Connection
from realtime.worker.rooms.permissions import Permissions
from tests.polling import eventually_in_loop

from ..conftest import ADA, WorkerHarness, identify_as, permissions_of
from ..fakes import FakeTransport, connect, settled

CONNECTED = SessionState.CONNECTED


async def suspended(world: WorkerHarness, wire: FakeTransport) -> dict[str, Any]:
    """The welcome of a session whose connection was lost."""
    session = await world.admit(wire)
    world.hub.on_disconnect(session, 1006)
    await world.settle()
    return wire.messages[0]


# ---------------------------------------------------------------- admission


async def test_authorize_has_a_time_limit(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(room: str, action: str) -> bool:
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr("realtime.worker.admission.handshake.ADMISSION_TIMEOUT", 0.01)
    wire = FakeTransport()
    hello = Hello(protocol=1, rooms={"open:a": None})
    with pytest.raises(TimeoutError):
        await world.admission.admit(
            connect(wire), hello, identify_as(ADA, Permissions(None, 3, hang))
        )
    assert (wire.events, world.fickle.called("open")) == ([], [])


@pytest.mark.parametrize("where", ["authorize", "slot"])
async def test_a_connection_that_ended_before_the_store_call_opens_nothing(
    world: WorkerHarness, where: str
) -> None:
    """As in a drain. Not every server reports that the transport has gone then."""
    called, answer = asyncio.Event(), asyncio.Event()

    async def later(room: str, action: str) -> bool:
        called.set()
        await answer.wait()
        return True

    wire = FakeTransport()
    connection = connect(wire)
    turn = asyncio.Event()
    turns = [asyncio.create_task(_hold_slot(world, turn)) for _ in range(MAX_CONCURRENT)]
    if where == "authorize":
        turn.set()
        await asyncio.wait(turns)
    else:
        answer.set()
    hello = Hello(protocol=1, rooms={"open:a": None})
    admission = asyncio.create_task(
        world.admission.admit(connection, hello, identify_as(ADA, Permissions("user:1", 3, later)))
    )
    await asyncio.wait_for(called.wait(), 10)
    await settled()
    connection.end(4001)
    answer.set()
    turn.set()
    assert await admission is None
    assert (world.fickle.called("open"), world.opened, world.moves) == ([], [], [])
    assert wire.closed == 4001


async def admit_after_wait(
    world: WorkerHarness,
    end_code: int | None,
    login: str | None,
    ended: dict[str, Any] | None = None,
) -> FakeTransport:
    """An identified client whose session opens only after a wait for a slot; the store gets a
    request to close ``ended`` meanwhile."""
    turn = asyncio.Event()
    turns = [asyncio.create_task(_hold_slot(world, turn)) for _ in range(MAX_CONCURRENT)]
    await settled()

    async def check_again() -> int | None:
        return end_code

    wire, hello = FakeTransport(), Hello(protocol=1)
    identify = identify_as(ADA, permissions_of(ADA), login=login, end_code=check_again)
    admission = asyncio.create_task(world.admission.admit(connect(wire), hello, identify))
    await settled()
    assert world.fickle.called("open") == []
    if ended:
        assert await world.store.request_close(**ended, reason="") == ()
    turn.set()
    await asyncio.wait([admission, *turns])
    assert admission.exception() is None
    await settled()
    return wire


@pytest.mark.parametrize("fresh", [0.0, 60.0])
@pytest.mark.parametrize("login", ["digest", None])
async def test_a_login_that_ended_during_a_long_wait_opens_nothing(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch, fresh: float, login: str | None
) -> None:
    monkeypatch.setattr("realtime.worker.admission.handshake.LOGIN_FRESH", fresh)
    wire = await admit_after_wait(world, 4503, login)
    if fresh or login is None:  # within a moment it is not checked again
        assert wire.types == ["welcome"]
    else:
        assert (wire.types, wire.closed) == (["goodbye"], 4503)
        assert world.fickle.called("open") == []


async def test_an_admission_that_takes_too_long_has_to_be_repeated(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.worker.admission.handshake.MAX_ADMISSION", -1.0)
    with pytest.raises(AtCapacity):
        await world.admission.admit(
            connect(FakeTransport()),
            Hello(protocol=1),
            identify_as(ADA, permissions_of(ADA), login=None),
        )
    assert world.fickle.called("open") == []


@pytest.mark.parametrize("who", [{"login": "digest"}, {"user": "1"}])
@pytest.mark.parametrize("code", [4008, 4503])
async def test_a_client_disconnected_while_waiting_gets_no_session(
    world: WorkerHarness, who: dict[str, str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request finds no session yet, and the login may still stand."""
    monkeypatch.setattr(
        "realtime.worker.admission.handshake.MIN_TRIP_MS", 5_000
    )  # on a machine that is busy
    wire = await admit_after_wait(world, None, "digest", {**who, "code": code})
    assert (wire.types, wire.closed) == (["goodbye"], code)
    assert (world.opened, list(world.hub.connected())) == ([], [])
    monkeypatch.setattr("realtime.worker.admission.handshake.MIN_TRIP_MS", -100_000)
    back = await world.admit(FakeTransport(), peer=Peer(user="1", login="another"))
    assert [session.id for session in world.opened] == [back.id]


async def test_a_login_that_stands_after_a_long_wait_gets_a_session(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.worker.admission.handshake.LOGIN_FRESH", 0.0)
    assert (await admit_after_wait(world, None, "digest")).types == ["welcome"]


async def test_authenticate_has_a_time_limit(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("realtime.worker.admission.handshake.ADMISSION_TIMEOUT", 0.01)
    with pytest.raises(TimeoutError):
        await world.admission.admit(connect(FakeTransport()), Hello(protocol=1), hang)
    assert world.fickle.called("open") == []


async def test_rooms_of_an_unidentified_client_are_not_authorized(world: WorkerHarness) -> None:
    async def unidentified() -> None:
        return None

    hello = Hello(protocol=1, rooms={"open:a": None})
    assert await world.admission.admit(connect(FakeTransport()), hello, unidentified) is None
    assert world.fickle.called("open") == []


async def _hold_slot(world: WorkerHarness, until: asyncio.Event) -> None:
    async with world.admission._limiter.slot():
        await until.wait()


async def test_welcome_is_sent_once_the_store_has_the_session(world: WorkerHarness) -> None:
    wire = FakeTransport()
    held = world.fickle.held["open"] = asyncio.Event()
    admission = asyncio.create_task(world.admit(wire))
    await eventually_in_loop(lambda: world.fickle.called("open"))
    assert wire.events == []
    held.set()
    session = await admission
    (welcome,) = wire.messages
    assert (welcome["session"], welcome["resumed"], welcome["user"]) == (session.id, False, "1")
    record = await world.store.get(session.id)
    assert record is not None
    assert (record.state, record.worker, record.peer) == (CONNECTED, "w1", ADA)
    assert [each.id for each in world.opened] == [session.id]


async def test_welcome_has_the_numbers_in_milliseconds(world: WorkerHarness) -> None:
    wire = FakeTransport()
    await world.admit(wire)
    expected = {
        "type": "welcome",
        "protocol": 1,
        "ping_interval": 25000,
        "pong_timeout": 10000,
        "max_missed": 3,
        "resume_window": 120000,
        "max_message_size": 1000,
        "max_publication": 1000,
        "window": 256,
        "window_bytes": 65536,
    }
    welcome = wire.messages[0]
    assert {key: welcome[key] for key in expected} == expected


async def test_an_anonymous_session_has_no_user(world: WorkerHarness) -> None:
    wire = FakeTransport()
    await world.admit(wire, peer=Peer())
    assert wire.messages[0]["user"] is None


async def test_the_first_ping_comes_after_half_to_a_whole_interval(world: WorkerHarness) -> None:
    now = asyncio.get_running_loop().time()
    firsts = [(await world.admit(FakeTransport())).heartbeat.due - now for _ in range(10)]
    assert all(12.5 <= first <= 25 + 5 for first in firsts)
    assert len(set(firsts)) > 1


async def test_a_store_out_of_reach_refuses_and_abandons(world: WorkerHarness) -> None:
    wire = FakeTransport()
    world.fickle.down = True
    with pytest.raises(StoreUnavailable):
        await world.admit(wire)
    assert (wire.events, list(world.hub.connected())) == ([], [])
    world.fickle.down = False
    await world.settle()
    assert world.opened == []


async def test_a_crowd_is_admitted_in_parts(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others wait, without calls to the store."""
    asking: list[int] = [0]

    async def counted(*opening: Any, **options: Any) -> Any:
        asking.append(asking[-1] + 1)
        try:
            return await world.store.open(*opening, **options)
        finally:
            asking.append(asking[-1] - 1)

    monkeypatch.setattr(world.fickle, "open", counted, raising=False)
    wires = [FakeTransport() for _ in range(MAX_CONCURRENT + 10)]
    await asyncio.gather(*map(world.admit, wires))
    assert max(asking) == MAX_CONCURRENT
    assert all(wire.messages[0]["type"] == "welcome" for wire in wires)


async def test_a_resume_that_took_effect_unheard_is_no_ghost(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be connected until its deadline, without a client."""

    async def unheard(opening: object) -> None:
        await world.store.resume(opening)  # type: ignore[arg-type]
        raise StoreUnavailable("the answer is lost")

    first = FakeTransport()
    session = await world.admit(first)
    world.hub.on_disconnect(session, 1006)
    await world.settle()
    with monkeypatch.context() as patched:
        patched.setattr(world.fickle, "resume", unheard, raising=False)
        with pytest.raises(StoreUnavailable):
            await world.admit(FakeTransport(), resume=first.messages[0])
    await world.settle()
    record = await world.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code) == (SessionState.SUSPENDED, 4009)
    again = await world.admit(FakeTransport(), resume=first.messages[0])
    assert again.id == session.id


async def test_an_open_that_took_effect_unheard_is_undone(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unheard(opening: object, **_: object) -> None:
        await world.store.open(opening)  # type: ignore[arg-type]
        raise StoreUnavailable("the answer is lost")

    monkeypatch.setattr(world.fickle, "open", unheard, raising=False)
    with pytest.raises(StoreUnavailable):
        await world.admit(FakeTransport())
    await world.settle()
    assert (await world.store.stats()).connected == 0


# ---------------------------------------------------------------- resume and takeover


async def test_a_suspended_session_is_resumed_with_its_totals(world: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    before = await world.admit(first)
    before.connection.read('{"type":"bye"')
    world.hub.on_disconnect(before, 1006)
    await world.settle()
    after = await world.admit(second, resume=first.messages[0])
    welcome = second.messages[0]
    assert welcome["resumed"] is True
    assert [welcome[k] for k in ("session", "token")] == [
        first.messages[0][k] for k in ("session", "token")
    ]
    assert (after.record.generation, after.record.opened_at) == (2, before.record.opened_at)
    assert (after.totals.frames_in, after.totals.frames_out) == (1, 3)
    assert [each.id for each in world.resumed] == [before.id]


@pytest.mark.parametrize("change", [{"token": "wrong"}, {"session": "unknown"}])
async def test_a_resume_that_fails_opens_a_new_session(
    world: WorkerHarness, change: dict[str, str]
) -> None:
    first, second = FakeTransport(), FakeTransport()
    welcome = await suspended(world, first)
    session = await world.admit(second, resume={**welcome, **change})
    assert second.messages[0]["resumed"] is False
    assert session.id != welcome["session"]
    assert second.messages[0]["token"] != welcome["token"]


async def test_another_user_s_session_is_not_resumed_nor_disturbed(world: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    mine = await world.admit(first)
    await world.admit(second, resume=first.messages[0], peer=Peer(user="2"))
    assert second.messages[0]["resumed"] is False
    assert not mine.departed
    assert first.types == ["welcome"]


async def test_a_late_hello_takes_nothing_from_a_newer_connection(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that stood still reads a hello whose client has gone already."""
    first = FakeTransport()
    session = await world.admit(first)
    late = connect(FakeTransport())
    monkeypatch.setattr(Connection, "is_gone", property(lambda each: each is late))
    resume = Resume(session.id, first.messages[0]["token"])
    hello = Hello(protocol=1, resume=resume)
    assert await world.admission.admit(late, hello, identify_as(ADA, permissions_of(ADA))) is None
    assert not session.departed
    assert world.fickle.called("resume") == []


async def test_a_takeover_on_the_same_worker_ends_the_older_with_4506(world: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await world.admit(first)
    for _ in range(5):
        older.connection.read("no JSON")
    newer = await world.admit(second, resume=first.messages[0])
    await older.connection.flush()
    assert first.closed == 4506
    assert second.messages[0]["resumed"] is True
    assert list(world.hub.connected()) == [newer]
    assert newer.totals.frames_in == 5  # which the store had not heard of


async def test_the_late_end_of_a_taken_over_connection_touches_nothing(
    world: WorkerHarness,
) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await world.admit(first)
    newer = await world.admit(second, resume=first.messages[0])
    world.hub.on_disconnect(older, 1006)
    world.hub.end(older, 4500)
    world.hub.receive(older, Bye())
    await world.settle()
    record = await world.store.get(newer.id)
    assert record is not None
    assert (record.state, record.generation) == (CONNECTED, 2)
    assert not newer.departed


async def test_the_later_of_two_resumes_wins_even_if_answered_first(
    world: WorkerHarness,
) -> None:
    first, second, third = FakeTransport(), FakeTransport(), FakeTransport()
    older = await world.admit(first)
    welcome = first.messages[0]
    held = world.fickle.held["resume"] = asyncio.Event()
    slow = asyncio.create_task(world.admit(second, resume=welcome))
    await eventually_in_loop(lambda: "resume" not in world.fickle.held)
    newest = await world.admit(third, resume=welcome)
    held.set()
    overtaken = await slow
    assert (overtaken.record.generation, newest.record.generation) == (2, 3)
    assert (first.closed, second.closed, third.closed) == (4506, 4506, None)
    assert "welcome" not in second.types
    assert list(world.hub.connected()) == [newest]
    assert older.departed
    assert overtaken.departed


@pytest.mark.parametrize("resumes", [1, 2])
async def test_a_resume_wins_though_the_store_came_back_with_an_old_copy(
    world: WorkerHarness, resumes: int
) -> None:
    """The copy lacks the earlier resumes; their connections end like any other."""
    first, last = FakeTransport(), FakeTransport()
    older = await world.admit(first)
    welcome = first.messages[0]
    for _ in range(resumes):
        older = await world.admit(FakeTransport(), resume=welcome)
    await LiveSession.objects.aupdate(generation=1)
    newest = await world.admit(last, resume=welcome)
    assert older.departed
    assert list(world.hub.connected()) == [newest]
    world.hub.on_disconnect(older, 1006)
    await world.settle()
    record = await world.store.get(newest.id)
    assert record is not None
    assert (record.state, last.closed) == (CONNECTED, None)


# ---------------------------------------------------------------- turns


async def test_an_attempt_that_woke_up_late_gets_4506_and_the_newer_one_stays(
    world: WorkerHarness,
) -> None:
    welcome = await suspended(world, FakeTransport())
    newer, late = FakeTransport(), FakeTransport()
    session = await world.admit(newer, resume={**welcome, "turn": 2})
    other = world.other("w2")
    for worker in (world, other):
        late = await refused(worker, welcome, turn=1)
        assert (late.closed, late.types) == (4506, ["goodbye"])
    assert session.record.turn == 2
    assert not session.departed
    assert newer.closed is None
    assert (await world.store.stats()).connected == 1
    assert len(world.fickle.called("resume")) == 1  # the session here needs no call


async def refused(world: WorkerHarness, welcome: dict[str, Any], **extra: Any) -> FakeTransport:
    """A connection that may not resume."""
    wire = FakeTransport()
    connection = connect(wire)
    hello = Hello(protocol=1, resume=Resume(welcome["session"], welcome["token"], **extra))
    assert (
        await world.admission.admit(connection, hello, identify_as(ADA, permissions_of(ADA)))
        is None
    )
    await connection.flush()
    return wire


async def test_turns_are_not_revealed_to_strangers(world: WorkerHarness) -> None:
    first = FakeTransport()
    mine = await world.admit(first)
    theirs = FakeTransport()
    await world.admit(theirs, resume={**first.messages[0], "token": "wrong", "turn": 0})
    assert theirs.messages[0]["resumed"] is False
    assert not mine.departed


async def test_a_late_attempt_loses_though_the_store_came_back_with_an_old_copy(
    world: WorkerHarness,
) -> None:
    welcome = await suspended(world, FakeTransport())
    newer = FakeTransport()
    session = await world.admit(newer, resume={**welcome, "turn": 2})
    await LiveSession.objects.aupdate(generation=1, turn=0)
    late = await refused(world, welcome, turn=1)
    assert (late.closed, newer.closed, session.departed) == (4506, None, False)


async def test_a_session_put_back_brings_its_turn(world: WorkerHarness) -> None:
    welcome = await suspended(world, FakeTransport())
    await world.admit(FakeTransport(), resume={**welcome, "turn": 7})
    await LiveSession.objects.all().adelete()
    await Registry.objects.all().adelete()
    await world.beats.flush()
    record = await world.store.get(welcome["session"])
    assert record is not None
    assert record.turn == 7


# ---------------------------------------------------------------- calls that are given up


@pytest.mark.parametrize("verb", ["open", "resume"])
async def test_a_client_that_leaves_during_the_store_call_leaves_no_ghost(
    world: WorkerHarness, verb: str
) -> None:
    """The task is cancelled, and the call takes effect all the same, or only then."""
    welcome = await suspended(world, FakeTransport())
    resume = welcome if verb == "resume" else None
    world.fickle.held[verb] = asyncio.Event()
    admission = asyncio.create_task(world.admit(FakeTransport(), resume=resume))
    await eventually_in_loop(lambda: world.fickle.called(verb) and verb not in world.fickle.held)
    admission.cancel()
    with pytest.raises(asyncio.CancelledError):
        await admission
    await world.settle()
    (opening,) = world.fickle.called(verb)[-1]
    assert await getattr(world.store, verb)(opening) is None  # once more, late
    assert (await world.store.stats()).connected == 0
    again = await world.admit(FakeTransport(), resume=welcome)
    assert again.id == welcome["session"]


async def test_a_call_that_arrives_after_all_finds_its_tombstone(world: WorkerHarness) -> None:
    """Even if the store is out of reach for long: the disconnect is sent once it is back."""
    first = FakeTransport()
    session = await world.admit(first)
    other = world.other("w2")
    other.fickle.down = True
    with pytest.raises(StoreUnavailable):
        await other.admit(FakeTransport(), resume=first.messages[0])
    await eventually_in_loop(lambda: len(other.fickle.called("suspend")) > 2)
    other.fickle.down = False
    await other.settle()
    (opening,) = other.fickle.called("resume")[0]
    assert await world.store.resume(opening) is None
    record = await world.store.get(session.id)
    assert record is not None
    assert (record.state, record.worker, record.generation) == (CONNECTED, "w1", 1)
    await other.disconnects.stop()


async def test_a_stopped_worker_queues_no_disconnects(world: WorkerHarness) -> None:
    world.fickle.down = True
    await world.disconnects.stop()
    with pytest.raises(StoreUnavailable):
        await world.admit(FakeTransport())
    assert len(world.disconnects) == 0


# ---------------------------------------------------------------- verdicts


async def test_a_resume_of_an_ended_session_gets_its_reason(world: WorkerHarness) -> None:
    welcome = await suspended(world, FakeTransport())
    await world.store.request_close(session=welcome["session"], code=4500, reason="enough")
    for _ in range(2):
        wire = await refused(world, welcome)
        expected = {"type": "goodbye", "code": 4500, "reason": "enough", "reconnect": False}
        assert (wire.messages, wire.closed) == ([expected], 4500)
        await world.sweeper.sweep()
    assert [row.code for row in await world.history()] == [4500]
    assert (await world.admit(FakeTransport())).id != welcome["session"]


async def test_an_end_that_the_client_missed_is_delivered_at_its_resume(
    world: WorkerHarness,
) -> None:
    """The connection was stalled; the worker itself ended the session."""
    wire = FakeTransport()
    session = await world.admit(wire)
    welcome = wire.messages[0]
    wire.open.clear()
    world.hub.end(session, 4700, "not here")
    await world.settle()
    assert (await refused(world, welcome)).goodbye["reason"] == "not here"


async def test_bye_is_no_verdict(world: WorkerHarness) -> None:
    wire = FakeTransport()
    session = await world.admit(wire)
    welcome = wire.messages[0]
    world.hub.receive(session, Bye())
    await world.settle()
    again = FakeTransport()
    await world.admit(again, resume=welcome)
    assert again.messages[0]["resumed"] is False


# ---------------------------------------------------------------- rooms


async def test_welcome_has_the_rooms_and_comes_before_their_publications(
    world: WorkerHarness,
) -> None:
    for _ in range(3):
        top = await world.publish("open:a")
    wire = FakeTransport()
    rooms = {"open:a": Position(top.epoch, 1), "open:b": None}
    session = await world.admit(wire, rooms=rooms)
    await eventually_in_loop(lambda: wire.types.count("publication") == 2)
    welcome = wire.messages[0]
    assert wire.types[0] == "welcome"
    assert list(welcome["rooms"]) == ["user:1", "open:a", "open:b"]
    assert welcome["rooms"]["open:a"] == {"epoch": top.epoch, "offset": 3, "recovered": True}
    assert welcome["rooms"]["open:b"].keys() == {"epoch", "offset"}
    assert [message["offset"] for message in wire.messages[1:]] == [2, 3]
    record = await world.store.get(session.id)
    assert record is not None
    assert record.rooms == session.rooms == ("open:a", "open:b", "user:1")
    assert [(move, room) for move, _, room in world.moves] == [
        ("joined", "open:a"),
        ("joined", "open:b"),
        ("joined", "user:1"),
    ]


@pytest.mark.parametrize("position", [("another", 1, "epoch_changed"), ("", 9, "ahead")])
async def test_a_position_that_cannot_be_recovered_has_its_reason(
    world: WorkerHarness, position: tuple[str, int, str]
) -> None:
    epoch, offset, reason = position
    top = await world.publish("open:a")
    wire = FakeTransport()
    await world.admit(wire, rooms={"open:a": Position(epoch or top.epoch, offset)})
    entry = wire.messages[0]["rooms"]["open:a"]
    assert entry == {"epoch": top.epoch, "offset": 1, "recovered": False, "reason": reason}
    await world.publish("open:a")
    await eventually_in_loop(lambda: "publication" in wire.types)
    assert [m["offset"] for m in wire.messages if m["type"] == "publication"] == [2]


async def test_refusals_follow_the_welcome(world: WorkerHarness) -> None:
    wire = FakeTransport()
    await world.admit(wire, rooms=dict.fromkeys(["shut", "user:2", "open:a", "no room"]))
    await eventually_in_loop(lambda: len(wire.messages) == 4)
    assert wire.types == ["welcome", "error", "error", "error"]
    assert [(m["room"], m["code"]) for m in wire.messages[1:]] == [
        ("shut", "forbidden"),
        ("user:2", "forbidden"),
        ("no room", "invalid_message"),
    ]


async def test_a_resume_leaves_rooms_that_hello_does_not_name(world: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    await world.admit(first, rooms=dict.fromkeys(["open:a", "open:b"]))
    world.moves.clear()
    session = await world.admit(
        second, resume=first.messages[0], rooms=dict.fromkeys(["open:b", "open:c"])
    )
    assert session.rooms == ("open:b", "open:c", "user:1")
    record = await world.store.get(session.id)
    assert record is not None
    assert record.rooms == session.rooms
    assert ("left", session.id, "open:a") in world.moves
    assert [room for move, _, room in world.moves if move == "left"] == ["open:a"]
    for room in ("open:a", "open:b"):
        await world.publish(room)
    await eventually_in_loop(lambda: "publication" in second.types)
    assert [m["room"] for m in second.messages if m["type"] == "publication"] == ["open:b"]
    assert "publication" not in first.types


async def test_a_log_out_of_reach_refuses_before_anything_is_opened(world: WorkerHarness) -> None:
    world.log.down = True
    with pytest.raises(StoreUnavailable):
        await world.admit(FakeTransport())
    assert world.fickle.called("open") == []
    assert (await world.store.stats()).connected == 0
    assert list(world.rooms.names()) == []


async def test_a_client_that_left_during_the_store_call_is_in_no_room(world: WorkerHarness) -> None:
    wire = FakeTransport()
    held = world.fickle.held["open"] = asyncio.Event()
    admission = asyncio.create_task(world.admit(wire, rooms={"open:a": None}))
    await eventually_in_loop(lambda: world.fickle.called("open"))
    (connection,) = world.connections
    connection.end(4001)
    held.set()
    session = await admission
    assert (session.rooms, list(world.rooms.names()), world.moves) == ((), [], [])
    assert "welcome" not in wire.types
