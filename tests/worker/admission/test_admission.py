"""Admission on the real database store: sessions that begin, are resumed, taken over, and their
rooms."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from realtime.models import LiveSession, Registry
from realtime.protocol.codes import CloseCode
from realtime.protocol.messages import Bye, Hello, Resume
from realtime.protocol.position import Position, Rewind
from realtime.store.contract import AtCapacity, StoreUnavailable
from realtime.store.records import Peer, SessionState
from realtime.worker.admission.admission import MAX_CONCURRENT
from realtime.worker.connections.connection import Connection
from tests.polling import eventually_in_loop

from ..conftest import ADA, FakeApplication, WorkerHarness, handlers_of
from ..fakes import FakeTransport, connect, settled

CONNECTED = SessionState.CONNECTED


async def suspended(harness: WorkerHarness, transport: FakeTransport) -> dict[str, Any]:
    """The welcome of a session whose connection was lost."""
    session = await harness.admit(transport)
    harness.hub.on_disconnect(session, 1006)
    await harness.settle()
    return transport.messages[0]


# ---------------------------------------------------------------- admission


class Hesitant(FakeApplication):
    """Its ``authorize`` waits for ``answer``."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer)
        self.called, self.answer = asyncio.Event(), asyncio.Event()

    async def authorize(self, room: str, action: str) -> bool:
        self.called.set()
        await self.answer.wait()
        return True


@pytest.mark.parametrize("where", ["authorize", "slot"])
async def test_a_connection_that_ended_before_the_store_call_opens_nothing(
    harness: WorkerHarness, where: str
) -> None:
    """As in a drain. Not every server reports that the transport has gone then."""
    application = Hesitant(ADA)
    called, answer = application.called, application.answer
    transport = FakeTransport()
    connection = connect(transport)
    turn = asyncio.Event()
    turns = [asyncio.create_task(_hold_slot(harness, turn)) for _ in range(MAX_CONCURRENT)]
    if where == "authorize":
        turn.set()
        await asyncio.wait(turns)
    else:
        answer.set()
    hello = Hello(protocol=1, rooms={"open:a": None})
    admission = asyncio.create_task(
        harness.admission.admit(connection, hello, handlers_of(application))
    )
    await asyncio.wait_for(called.wait(), 10)
    await settled()
    connection.end(4001)
    answer.set()
    turn.set()
    assert await admission is None
    assert (harness.flaky_store.called("open"), harness.opened, harness.moves) == ([], [], [])
    assert transport.closed == 4001


async def admit_after_wait(
    harness: WorkerHarness,
    end_code: CloseCode | None,
    login: str,
    ended: dict[str, Any] | None = None,
) -> FakeTransport:
    """An identified client whose session opens only after a wait for a slot; the store gets a
    request to close ``ended`` meanwhile."""
    turn = asyncio.Event()
    turns = [asyncio.create_task(_hold_slot(harness, turn)) for _ in range(MAX_CONCURRENT)]
    await settled()

    harness.end_code = end_code
    transport, hello = FakeTransport(), Hello(protocol=1)
    handlers = handlers_of(FakeApplication(replace(ADA, login=login)))
    admission = asyncio.create_task(harness.admission.admit(connect(transport), hello, handlers))
    await settled()
    assert harness.flaky_store.called("open") == []
    if ended:
        assert await harness.store.request_close(**ended, reason="") == ()
    turn.set()
    await asyncio.wait([admission, *turns])
    assert admission.exception() is None
    await settled()
    return transport


@pytest.mark.parametrize("fresh", [0.0, 60.0])
@pytest.mark.parametrize("login", ["digest", ""])
async def test_a_login_that_ended_during_a_long_wait_opens_nothing(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch, fresh: float, login: str
) -> None:
    monkeypatch.setattr("realtime.worker.admission.identification.LOGIN_FRESH", fresh)
    transport = await admit_after_wait(harness, CloseCode.LOGGED_OUT, login)
    if fresh or not login:  # within a moment it is not checked again
        assert transport.types == ["welcome"]
    else:
        assert (transport.types, transport.closed) == (["goodbye"], 4503)
        assert harness.flaky_store.called("open") == []


async def test_an_admission_that_takes_too_long_has_to_be_repeated(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.worker.admission.admission.MAX_ADMISSION", -1.0)
    with pytest.raises(AtCapacity):
        await harness.admission.admit(
            connect(FakeTransport()), Hello(protocol=1), handlers_of(FakeApplication(ADA))
        )
    assert harness.flaky_store.called("open") == []


@pytest.mark.parametrize("who", [{"login": "digest"}, {"user": "1"}])
@pytest.mark.parametrize("code", [4008, 4503])
async def test_a_client_disconnected_while_waiting_gets_no_session(
    harness: WorkerHarness, who: dict[str, str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request finds no session yet, and the login may still stand."""
    monkeypatch.setattr(
        "realtime.worker.admission.admission.MIN_TRIP_MS", 5_000
    )  # on a machine that is busy
    transport = await admit_after_wait(harness, None, "digest", {**who, "code": code})
    assert (transport.types, transport.closed) == (["goodbye"], code)
    assert (harness.opened, list(harness.hub.connected())) == ([], [])
    monkeypatch.setattr("realtime.worker.admission.admission.MIN_TRIP_MS", -100_000)
    back = await harness.admit(FakeTransport(), peer=Peer(user="1", login="another"))
    assert [session.id for session in harness.opened] == [back.id]


async def test_a_login_that_stands_after_a_long_wait_gets_a_session(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.worker.admission.identification.LOGIN_FRESH", 0.0)
    assert (await admit_after_wait(harness, None, "digest")).types == ["welcome"]


async def _hold_slot(harness: WorkerHarness, until: asyncio.Event) -> None:
    async with harness.admission.limiter.slot():
        await until.wait()


async def test_welcome_is_sent_once_the_store_has_the_session(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    held = harness.flaky_store.held["open"] = asyncio.Event()
    admission = asyncio.create_task(harness.admit(transport))
    await eventually_in_loop(lambda: harness.flaky_store.called("open"))
    assert transport.events == []
    held.set()
    session = await admission
    (welcome,) = transport.messages
    assert (welcome["session"], welcome["resumed"], welcome["user"]) == (session.id, False, "1")
    record = await harness.store.get(session.id)
    assert record is not None
    assert (record.state, record.worker, record.peer) == (CONNECTED, "w1", ADA)
    assert [each.id for each in harness.opened] == [session.id]


async def test_welcome_has_the_numbers_in_milliseconds(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    await harness.admit(transport)
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
    welcome = transport.messages[0]
    assert {key: welcome[key] for key in expected} == expected


async def test_an_anonymous_session_has_no_user(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    await harness.admit(transport, peer=Peer())
    assert transport.messages[0]["user"] is None


async def test_the_first_ping_comes_after_half_to_a_whole_interval(harness: WorkerHarness) -> None:
    now = asyncio.get_running_loop().time()
    firsts = [(await harness.admit(FakeTransport())).heartbeat.due - now for _ in range(10)]
    assert all(12.5 <= first <= 25 + 5 for first in firsts)
    assert len(set(firsts)) > 1


async def test_a_store_out_of_reach_refuses_and_abandons(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    harness.flaky_store.down = True
    with pytest.raises(StoreUnavailable):
        await harness.admit(transport)
    assert (transport.events, list(harness.hub.connected())) == ([], [])
    harness.flaky_store.down = False
    await harness.settle()
    assert harness.opened == []


async def test_a_crowd_is_admitted_in_parts(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others wait, without calls to the store."""
    asking: list[int] = [0]

    async def counted(*opening: Any, **options: Any) -> Any:
        asking.append(asking[-1] + 1)
        try:
            return await harness.store.open(*opening, **options)
        finally:
            asking.append(asking[-1] - 1)

    monkeypatch.setattr(harness.flaky_store, "open", counted, raising=False)
    transports = [FakeTransport() for _ in range(MAX_CONCURRENT + 10)]
    await asyncio.gather(*map(harness.admit, transports))
    assert max(asking) == MAX_CONCURRENT
    assert all(transport.messages[0]["type"] == "welcome" for transport in transports)


async def test_a_resume_that_took_effect_unheard_is_no_ghost(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be connected until its deadline, without a client."""

    async def unheard(opening: object) -> None:
        await harness.store.resume(opening)  # type: ignore[arg-type]
        raise StoreUnavailable("the answer is lost")

    first = FakeTransport()
    session = await harness.admit(first)
    harness.hub.on_disconnect(session, 1006)
    await harness.settle()
    with monkeypatch.context() as patched:
        patched.setattr(harness.flaky_store, "resume", unheard, raising=False)
        with pytest.raises(StoreUnavailable):
            await harness.admit(FakeTransport(), resume=first.messages[0])
    await harness.settle()
    record = await harness.store.get(session.id)
    assert record is not None
    assert (record.state, record.end_code) == (SessionState.SUSPENDED, 4009)
    again = await harness.admit(FakeTransport(), resume=first.messages[0])
    assert again.id == session.id


async def test_an_open_that_took_effect_unheard_is_undone(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unheard(opening: object, **_: object) -> None:
        await harness.store.open(opening)  # type: ignore[arg-type]
        raise StoreUnavailable("the answer is lost")

    monkeypatch.setattr(harness.flaky_store, "open", unheard, raising=False)
    with pytest.raises(StoreUnavailable):
        await harness.admit(FakeTransport())
    await harness.settle()
    assert (await harness.store.stats()).connected == 0


# ---------------------------------------------------------------- resume and takeover


async def test_a_suspended_session_is_resumed_with_its_totals(harness: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    before = await harness.admit(first)
    before.connection.read('{"type":"bye"')
    harness.hub.on_disconnect(before, 1006)
    await harness.settle()
    after = await harness.admit(second, resume=first.messages[0])
    welcome = second.messages[0]
    assert welcome["resumed"] is True
    assert [welcome[k] for k in ("session", "token")] == [
        first.messages[0][k] for k in ("session", "token")
    ]
    assert (after.record.generation, after.record.opened_at) == (2, before.record.opened_at)
    assert (after.totals.frames_in, after.totals.frames_out) == (1, 3)
    assert [each.id for each in harness.resumed] == [before.id]


@pytest.mark.parametrize("change", [{"token": "wrong"}, {"session": "unknown"}])
async def test_a_resume_that_fails_opens_a_new_session(
    harness: WorkerHarness, change: dict[str, str]
) -> None:
    first, second = FakeTransport(), FakeTransport()
    welcome = await suspended(harness, first)
    session = await harness.admit(second, resume={**welcome, **change})
    assert second.messages[0]["resumed"] is False
    assert session.id != welcome["session"]
    assert second.messages[0]["token"] != welcome["token"]


async def test_another_user_s_session_is_not_resumed_nor_disturbed(harness: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    mine = await harness.admit(first)
    await harness.admit(second, resume=first.messages[0], peer=Peer(user="2"))
    assert second.messages[0]["resumed"] is False
    assert not mine.departed
    assert first.types == ["welcome"]


async def test_a_late_hello_takes_nothing_from_a_newer_connection(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that stood still reads a hello whose client has gone already."""
    first = FakeTransport()
    session = await harness.admit(first)
    late = connect(FakeTransport())
    monkeypatch.setattr(Connection, "is_gone", property(lambda each: each is late))
    resume = Resume(session.id, first.messages[0]["token"])
    hello = Hello(protocol=1, resume=resume)
    handlers = handlers_of(FakeApplication(ADA))
    assert await harness.admission.admit(late, hello, handlers) is None
    assert not session.departed
    assert harness.flaky_store.called("resume") == []


async def test_a_takeover_on_the_same_worker_ends_the_older_with_4506(
    harness: WorkerHarness,
) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await harness.admit(first)
    for _ in range(5):
        older.connection.read("no JSON")
    newer = await harness.admit(second, resume=first.messages[0])
    await older.connection.flush()
    assert first.closed == 4506
    assert second.messages[0]["resumed"] is True
    assert list(harness.hub.connected()) == [newer]
    assert newer.totals.frames_in == 5  # which the store had not heard of


async def test_the_late_end_of_a_taken_over_connection_touches_nothing(
    harness: WorkerHarness,
) -> None:
    first, second = FakeTransport(), FakeTransport()
    older = await harness.admit(first)
    newer = await harness.admit(second, resume=first.messages[0])
    harness.hub.on_disconnect(older, 1006)
    harness.hub.end(older, 4500)
    harness.hub.receive(older, Bye())
    await harness.settle()
    record = await harness.store.get(newer.id)
    assert record is not None
    assert (record.state, record.generation) == (CONNECTED, 2)
    assert not newer.departed


async def test_the_later_of_two_resumes_wins_even_if_answered_first(
    harness: WorkerHarness,
) -> None:
    first, second, third = FakeTransport(), FakeTransport(), FakeTransport()
    older = await harness.admit(first)
    welcome = first.messages[0]
    held = harness.flaky_store.held["resume"] = asyncio.Event()
    slow = asyncio.create_task(harness.admit(second, resume=welcome))
    await eventually_in_loop(lambda: "resume" not in harness.flaky_store.held)
    newest = await harness.admit(third, resume=welcome)
    held.set()
    overtaken = await slow
    assert (overtaken.record.generation, newest.record.generation) == (2, 3)
    assert (first.closed, second.closed, third.closed) == (4506, 4506, None)
    assert "welcome" not in second.types
    assert list(harness.hub.connected()) == [newest]
    assert older.departed
    assert overtaken.departed


@pytest.mark.parametrize("resumes", [1, 2])
async def test_a_resume_wins_though_the_store_came_back_with_an_old_copy(
    harness: WorkerHarness, resumes: int
) -> None:
    """The copy lacks the earlier resumes; their connections end like any other."""
    first, last = FakeTransport(), FakeTransport()
    older = await harness.admit(first)
    welcome = first.messages[0]
    for _ in range(resumes):
        older = await harness.admit(FakeTransport(), resume=welcome)
    await LiveSession.objects.aupdate(generation=1)
    newest = await harness.admit(last, resume=welcome)
    assert older.departed
    assert list(harness.hub.connected()) == [newest]
    harness.hub.on_disconnect(older, 1006)
    await harness.settle()
    record = await harness.store.get(newest.id)
    assert record is not None
    assert (record.state, last.closed) == (CONNECTED, None)


# ---------------------------------------------------------------- turns


async def test_an_attempt_that_woke_up_late_gets_4506_and_the_newer_one_stays(
    harness: WorkerHarness,
) -> None:
    welcome = await suspended(harness, FakeTransport())
    newer, late = FakeTransport(), FakeTransport()
    session = await harness.admit(newer, resume={**welcome, "turn": 2})
    other = harness.other("w2")
    for worker in (harness, other):
        late = await refused(worker, welcome, turn=1)
        assert (late.closed, late.types) == (4506, ["goodbye"])
    assert session.record.turn == 2
    assert not session.departed
    assert newer.closed is None
    assert (await harness.store.stats()).connected == 1
    assert len(harness.flaky_store.called("resume")) == 1  # the session here needs no call


async def refused(harness: WorkerHarness, welcome: dict[str, Any], **extra: Any) -> FakeTransport:
    """A connection that may not resume."""
    transport = FakeTransport()
    connection = connect(transport)
    hello = Hello(protocol=1, resume=Resume(welcome["session"], welcome["token"], **extra))
    handlers = handlers_of(FakeApplication(ADA))
    assert await harness.admission.admit(connection, hello, handlers) is None
    await connection.flush()
    return transport


async def test_turns_are_not_revealed_to_strangers(harness: WorkerHarness) -> None:
    first = FakeTransport()
    mine = await harness.admit(first)
    theirs = FakeTransport()
    await harness.admit(theirs, resume={**first.messages[0], "token": "wrong", "turn": 0})
    assert theirs.messages[0]["resumed"] is False
    assert not mine.departed


async def test_a_late_attempt_loses_though_the_store_came_back_with_an_old_copy(
    harness: WorkerHarness,
) -> None:
    welcome = await suspended(harness, FakeTransport())
    newer = FakeTransport()
    session = await harness.admit(newer, resume={**welcome, "turn": 2})
    await LiveSession.objects.aupdate(generation=1, turn=0)
    late = await refused(harness, welcome, turn=1)
    assert (late.closed, newer.closed, session.departed) == (4506, None, False)


async def test_a_session_put_back_brings_its_turn(harness: WorkerHarness) -> None:
    welcome = await suspended(harness, FakeTransport())
    await harness.admit(FakeTransport(), resume={**welcome, "turn": 7})
    await LiveSession.objects.all().adelete()
    await Registry.objects.all().adelete()
    await harness.beats.flush()
    record = await harness.store.get(welcome["session"])
    assert record is not None
    assert record.turn == 7


# ---------------------------------------------------------------- calls that are given up


@pytest.mark.parametrize("verb", ["open", "resume"])
async def test_a_client_that_leaves_during_the_store_call_leaves_no_ghost(
    harness: WorkerHarness, verb: str
) -> None:
    """The task is cancelled, and the call takes effect all the same, or only then."""
    welcome = await suspended(harness, FakeTransport())
    resume = welcome if verb == "resume" else None
    harness.flaky_store.held[verb] = asyncio.Event()
    admission = asyncio.create_task(harness.admit(FakeTransport(), resume=resume))
    await eventually_in_loop(
        lambda: harness.flaky_store.called(verb) and verb not in harness.flaky_store.held
    )
    admission.cancel()
    with pytest.raises(asyncio.CancelledError):
        await admission
    await harness.settle()
    (opening,) = harness.flaky_store.called(verb)[-1]
    assert await getattr(harness.store, verb)(opening) is None  # once more, late
    assert (await harness.store.stats()).connected == 0
    again = await harness.admit(FakeTransport(), resume=welcome)
    assert again.id == welcome["session"]


async def test_a_call_that_arrives_after_all_finds_its_tombstone(harness: WorkerHarness) -> None:
    """Even if the store is out of reach for long: the disconnect is sent once it is back."""
    first = FakeTransport()
    session = await harness.admit(first)
    other = harness.other("w2")
    other.flaky_store.down = True
    with pytest.raises(StoreUnavailable):
        await other.admit(FakeTransport(), resume=first.messages[0])
    await eventually_in_loop(lambda: len(other.flaky_store.called("suspend")) > 2)
    other.flaky_store.down = False
    await other.settle()
    (opening,) = other.flaky_store.called("resume")[0]
    assert await harness.store.resume(opening) is None
    record = await harness.store.get(session.id)
    assert record is not None
    assert (record.state, record.worker, record.generation) == (CONNECTED, "w1", 1)
    await other.disconnects.stop()


async def test_a_stopped_worker_queues_no_disconnects(harness: WorkerHarness) -> None:
    harness.flaky_store.down = True
    await harness.disconnects.stop()
    with pytest.raises(StoreUnavailable):
        await harness.admit(FakeTransport())
    assert len(harness.disconnects) == 0


# ---------------------------------------------------------------- verdicts


async def test_a_resume_of_an_ended_session_gets_its_reason(harness: WorkerHarness) -> None:
    welcome = await suspended(harness, FakeTransport())
    await harness.store.request_close(session=welcome["session"], code=4500, reason="enough")
    for _ in range(2):
        transport = await refused(harness, welcome)
        expected = {"type": "goodbye", "code": 4500, "reason": "enough", "reconnect": False}
        assert (transport.messages, transport.closed) == ([expected], 4500)
        await harness.sweeper.sweep()
    assert [row.code for row in await harness.history()] == [4500]
    assert (await harness.admit(FakeTransport())).id != welcome["session"]


async def test_an_end_that_the_client_missed_is_delivered_at_its_resume(
    harness: WorkerHarness,
) -> None:
    """The connection was stalled; the worker itself ended the session."""
    transport = FakeTransport()
    session = await harness.admit(transport)
    welcome = transport.messages[0]
    transport.open.clear()
    harness.hub.end(session, 4700, "not here")
    await harness.settle()
    assert (await refused(harness, welcome)).goodbye["reason"] == "not here"


async def test_bye_is_no_verdict(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    session = await harness.admit(transport)
    welcome = transport.messages[0]
    harness.hub.receive(session, Bye())
    await harness.settle()
    again = FakeTransport()
    await harness.admit(again, resume=welcome)
    assert again.messages[0]["resumed"] is False


# ---------------------------------------------------------------- rooms


async def test_welcome_has_the_rooms_and_comes_before_their_publications(
    harness: WorkerHarness,
) -> None:
    for _ in range(3):
        top = await harness.publish("open:a")
    transport = FakeTransport()
    rooms = {"open:a": Position(top.epoch, 1), "open:b": None}
    session = await harness.admit(transport, rooms=rooms)
    await eventually_in_loop(lambda: transport.types.count("publication") == 2)
    welcome = transport.messages[0]
    assert transport.types[0] == "welcome"
    assert list(welcome["rooms"]) == ["user:1", "open:a", "open:b"]
    assert welcome["rooms"]["open:a"] == {"epoch": top.epoch, "offset": 3, "recovered": True}
    assert welcome["rooms"]["open:b"].keys() == {"epoch", "offset"}
    assert [message["offset"] for message in transport.messages[1:]] == [2, 3]
    record = await harness.store.get(session.id)
    assert record is not None
    assert record.rooms == session.rooms == ("open:a", "open:b", "user:1")
    assert [(move, room) for move, _, room in harness.moves] == [
        ("joined", "open:a"),
        ("joined", "open:b"),
        ("joined", "user:1"),
    ]


@pytest.mark.parametrize("position", [("another", 1, "epoch_changed"), ("", 9, "ahead")])
async def test_a_position_that_cannot_be_recovered_has_its_reason(
    harness: WorkerHarness, position: tuple[str, int, str]
) -> None:
    epoch, offset, reason = position
    top = await harness.publish("open:a")
    transport = FakeTransport()
    await harness.admit(transport, rooms={"open:a": Position(epoch or top.epoch, offset)})
    entry = transport.messages[0]["rooms"]["open:a"]
    assert entry == {"epoch": top.epoch, "offset": 1, "recovered": False, "reason": reason}
    await harness.publish("open:a")
    await eventually_in_loop(lambda: "publication" in transport.types)
    assert [m["offset"] for m in transport.messages if m["type"] == "publication"] == [2]


async def test_a_hello_rewinds_rooms_and_the_private_one(harness: WorkerHarness) -> None:
    for room in ("open:a", "open:a", "user:1"):
        top = await harness.publish(room)
    transport = FakeTransport()
    await harness.admit(transport, rooms={"open:a": Rewind(1), "user:1": Rewind(50)})
    await eventually_in_loop(lambda: transport.types.count("publication") == 2)
    rooms = transport.messages[0]["rooms"]
    assert rooms["open:a"] == {"epoch": top.epoch, "offset": 2, "after": 1}
    assert rooms["user:1"] == {"epoch": top.epoch, "offset": 1, "after": 0}
    heard = [message for message in transport.messages if message["type"] == "publication"]
    assert sorted((m["room"], m["offset"]) for m in heard) == [("open:a", 2), ("user:1", 1)]
    assert all(message["replayed"] is True for message in heard)


async def test_refusals_follow_the_welcome(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    await harness.admit(transport, rooms=dict.fromkeys(["shut", "user:2", "open:a", "no room"]))
    await eventually_in_loop(lambda: len(transport.messages) == 4)
    assert transport.types == ["welcome", "error", "error", "error"]
    assert [(m["room"], m["code"]) for m in transport.messages[1:]] == [
        ("shut", "forbidden"),
        ("user:2", "forbidden"),
        ("no room", "invalid_message"),
    ]


async def test_a_resume_leaves_rooms_that_hello_does_not_name(harness: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    await harness.admit(first, rooms=dict.fromkeys(["open:a", "open:b"]))
    harness.moves.clear()
    session = await harness.admit(
        second, resume=first.messages[0], rooms=dict.fromkeys(["open:b", "open:c"])
    )
    assert session.rooms == ("open:b", "open:c", "user:1")
    record = await harness.store.get(session.id)
    assert record is not None
    assert record.rooms == session.rooms
    assert ("left", session.id, "open:a") in harness.moves
    assert [room for move, _, room in harness.moves if move == "left"] == ["open:a"]
    for room in ("open:a", "open:b"):
        await harness.publish(room)
    await eventually_in_loop(lambda: "publication" in second.types)
    assert [m["room"] for m in second.messages if m["type"] == "publication"] == ["open:b"]
    assert "publication" not in first.types


async def test_a_log_out_of_reach_refuses_before_anything_is_opened(harness: WorkerHarness) -> None:
    harness.log.down = True
    with pytest.raises(StoreUnavailable):
        await harness.admit(FakeTransport())
    assert harness.flaky_store.called("open") == []
    assert (await harness.store.stats()).connected == 0
    assert list(harness.rooms.names()) == []


async def test_a_client_that_left_during_the_store_call_is_in_no_room(
    harness: WorkerHarness,
) -> None:
    transport = FakeTransport()
    held = harness.flaky_store.held["open"] = asyncio.Event()
    admission = asyncio.create_task(harness.admit(transport, rooms={"open:a": None}))
    await eventually_in_loop(lambda: harness.flaky_store.called("open"))
    (connection,) = harness.connections
    connection.end(4001)
    held.set()
    session = await admission
    assert (session.rooms, list(harness.rooms.names()), harness.moves) == ((), [], [])
    assert "welcome" not in transport.types
