"""A session's requests: served in order, each with one answer."""

import asyncio
from typing import Any, cast

import pytest

from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import Join, Leave, RoomMessage
from realtime.protocol.position import Position
from realtime.protocol.presence_messages import WatchPresence
from realtime.protocol.room_messages import MessageItem, RoomMessages
from realtime.worker.admission.handler_queue import MAX_WAITING
from realtime.worker.admission.handlers import Application
from realtime.worker.admission.requests import SessionRequests
from realtime.worker.admission.served_message import ServedMessage
from realtime.worker.connections.connection import MAX_UNSENT
from realtime.worker.rooms.permissions import Refused
from realtime.worker.sessions.session import ConnectedSession
from tests.polling import eventually_in_loop

from ..conftest import ADA, FakeApplication, WorkerHarness, handlers_of
from ..fakes import FakeTransport, settled

ROOM = "open:a"


class Requester(FakeApplication):
    """A session, its requests, and the application that serves its messages."""

    def __init__(
        self, harness: WorkerHarness, transport: FakeTransport, session: ConnectedSession
    ) -> None:
        super().__init__(ADA)
        self.harness = harness
        self.transport = transport
        self.session: ConnectedSession = session
        self.received: list[RoomMessage] = []
        self.failure: BaseException | None = None
        self.failures: dict[str, BaseException] = {}  # by the message's key
        self.open = asyncio.Event()
        self.open.set()
        self.requests = SessionRequests(
            session,
            harness.rooms,
            harness.callbacks,
            handlers_of(cast(Application, self)),
            harness.renewal,
            presences=harness.presences,
        )

    async def receive_message(self, message: RoomMessage) -> None:
        await self.open.wait()
        self.received.append(message)
        if self.failure is not None:
            raise self.failure
        if error := self.failures.get(message.key):
            raise error
        if isinstance(message.data, int):
            ServedMessage.note(ROOM, Position("e", message.data))

    async def send(
        self, *requests: Join | Leave | WatchPresence | RoomMessage | RoomMessages
    ) -> list[dict[str, Any]]:
        """The answers, in the order in which they came."""
        ids = {request.id for request in requests}
        for request in requests:
            self.requests.put(request)

        def answers() -> list[dict[str, Any]]:
            return [message for message in self.transport.messages if message.get("id") in ids]

        await eventually_in_loop(lambda: len(answers()) == len(ids))
        return answers()


@pytest.fixture
async def requester(harness: WorkerHarness) -> Requester:
    transport = FakeTransport()
    return Requester(harness, transport, await harness.admit(transport))


def message(id_: int = 1, room: str = ROOM) -> RoomMessage:
    return RoomMessage(id=id_, room=room, data=None, key="k")


async def test_a_join_is_answered_and_reported(requester: Requester) -> None:
    (joined,) = await requester.send(Join(id=1, room=ROOM))
    assert joined == {
        "type": "joined",
        "id": 1,
        "room": ROOM,
        "epoch": joined["epoch"],
        "offset": 0,
    }
    assert requester.session.rooms == (ROOM, "user:1")
    assert requester.harness.moves[-1] == ("joined", requester.session.id, ROOM)
    await requester.harness.beats.flush()
    record = await requester.harness.store.get(requester.session.id)
    assert record is not None
    assert record.rooms == (ROOM, "user:1")
    assert requester.session.as_update(0.0).rooms is None  # the store has heard of it


async def test_rooms_of_a_failed_beat_are_reported_again(requester: Requester) -> None:
    await requester.send(Join(id=1, room=ROOM))
    requester.harness.flaky_store.down = True
    with pytest.raises(Exception, match="down"):
        await requester.harness.beats.flush()
    requester.harness.flaky_store.down = False
    await requester.harness.beats.flush()
    record = await requester.harness.store.get(requester.session.id)
    assert record is not None
    assert record.rooms == (ROOM, "user:1")


async def test_a_client_that_does_not_read_is_not_sent_further_lists(
    requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_room = "user:1"
    assert (await requester.send(WatchPresence(1, own_room)))[0]["type"] == "presence"
    transport = requester.session.connection._transport
    monkeypatch.setattr(transport, "unsent", MAX_UNSENT // 2 + 1)
    (error,) = await requester.send(WatchPresence(2, own_room))
    assert (error["type"], error["code"]) == ("error", "rate_limited")
    monkeypatch.setattr(transport, "unsent", 0)
    assert (await requester.send(WatchPresence(3, own_room)))[0]["type"] == "presence"


async def test_a_leave_is_answered_and_reported_also_twice(requester: Requester) -> None:
    answers = await requester.send(
        Join(id=1, room=ROOM), Leave(id=2, room=ROOM), Leave(id=3, room=ROOM)
    )
    assert answers[1:] == [{"type": "left", "room": ROOM, "id": id_} for id_ in (2, 3)]
    assert requester.session.rooms == ("user:1",)
    assert [move[0] for move in requester.harness.moves] == ["joined", "joined", "left"]
    assert requester.session.changed
    await requester.harness.publish(ROOM)
    await settled()
    assert "publication" not in requester.transport.types


async def test_joined_comes_before_publications(requester: Requester) -> None:
    for _ in range(3):
        top = await requester.harness.publish(ROOM)
    (joined,) = await requester.send(Join(id=1, room=ROOM, position=Position(top.epoch, 1)))
    assert (joined["offset"], joined["recovered"]) == (3, True)
    await eventually_in_loop(lambda: requester.transport.types.count("publication") == 2)
    heard = [
        m.get("offset")
        for m in requester.transport.messages
        if m["type"] in ("joined", "publication")
    ]
    assert heard == [3, 2, 3]


async def test_a_rewind_is_answered_and_replayed(requester: Requester) -> None:
    for _ in range(3):
        top = await requester.harness.publish(ROOM)
    (joined,) = await requester.send(Join(id=1, room=ROOM, rewind=2))
    assert joined == {
        "type": "joined", "id": 1, "room": ROOM, "epoch": top.epoch, "offset": 3, "after": 1
    }  # fmt: skip
    await eventually_in_loop(lambda: requester.transport.types.count("publication") == 2)
    await requester.harness.publish(ROOM)
    await eventually_in_loop(lambda: requester.transport.types.count("publication") == 3)
    heard = [m for m in requester.transport.messages if m["type"] == "publication"]
    assert [(m["offset"], m.get("replayed")) for m in heard] == [(2, True), (3, True), (4, None)]


async def test_a_member_may_rewind_by_joining_again(requester: Requester) -> None:
    await requester.harness.publish(ROOM)
    first, again = await requester.send(Join(id=1, room=ROOM), Join(id=2, room=ROOM, rewind=1000))
    assert ("after" in first, again["after"]) == (False, 0)
    await eventually_in_loop(lambda: "publication" in requester.transport.types)
    (publication,) = [m for m in requester.transport.messages if m["type"] == "publication"]
    assert (publication["offset"], publication["replayed"]) == (1, True)


async def test_joining_again_continues_from_the_new_position(requester: Requester) -> None:
    top = await requester.harness.publish(ROOM)
    first, again = await requester.send(
        Join(id=1, room=ROOM), Join(id=2, room=ROOM, position=Position(top.epoch, 0))
    )
    assert ("recovered" in first, again["recovered"]) == (False, True)
    await eventually_in_loop(lambda: "publication" in requester.transport.types)
    assert requester.harness.moves.count(("joined", requester.session.id, ROOM)) == 1


async def test_a_message_is_acknowledged_after_its_handler(requester: Requester) -> None:
    requester.open.clear()
    requester.requests.put(message(7))
    await settled()
    assert "ack" not in requester.transport.types
    requester.open.set()
    await eventually_in_loop(lambda: {"type": "ack", "id": 7} in requester.transport.messages)
    assert requester.received == [message(7)]


async def test_an_ack_has_the_first_position_in_the_room_of_the_message(
    requester: Requester,
) -> None:
    ServedMessage.note(ROOM, Position("e", 1))  # outside of a handler
    said = RoomMessage(id=7, room=ROOM, data=2, key="k")
    (ack,) = await requester.send(said)
    assert ack == {"type": "ack", "id": 7, "position": {"epoch": "e", "offset": 2}}
    with ServedMessage.in_room(ROOM) as served:
        for room, offset in (("open:b", 1), (ROOM, 2), (ROOM, 3)):
            ServedMessage.note(room, Position("e", offset))
    assert served.position == Position("e", 2)


def several(*data: Any, id_: int = 1, room: str = ROOM) -> RoomMessages:
    """Messages with the keys k1, k2 …"""
    items = (MessageItem(each, f"k{number}") for number, each in enumerate(data, 1))
    return RoomMessages(id_, room, tuple(items))


async def test_messages_are_served_in_order_with_one_answer(requester: Requester) -> None:
    requester.failures = {"k2": Refused("expected less"), "k3": Refused("no", ErrorCode.NOT_JOINED)}
    (acks,) = await requester.send(several(1, 2, 3, None, 5))
    assert acks == {
        "type": "acks",
        "id": 1,
        "items": [
            {"epoch": "e", "offset": 1},
            {"code": "forbidden", "detail": "expected less"},
            {"code": "not_joined", "detail": "no"},
            {},
            {"epoch": "e", "offset": 5},
        ],
    }
    assert [(m.id, m.room, m.key) for m in requester.received] == [
        (1, ROOM, f"k{n}") for n in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Refused("slower", ErrorCode.RATE_LIMITED), "rate_limited"),
        (ZeroDivisionError("a defect"), "unavailable"),
        (asyncio.CancelledError(), "unavailable"),
    ],
)
async def test_messages_behind_one_to_send_again_are_not_attempted(
    requester: Requester, failure: BaseException, code: str
) -> None:
    requester.failures = {"k2": failure}
    (acks,) = await requester.send(several(1, 2, 3, 4))
    assert [item.get("code") for item in acks["items"]] == [None, code, code, code]
    assert [message.key for message in requester.received] == ["k1", "k2"]
    (ack,) = await requester.send(message(2))
    assert ack["type"] == "ack"


async def test_messages_to_a_room_that_no_client_publishes_in_are_refused_together(
    requester: Requester,
) -> None:
    (error,) = await requester.send(several(1, 2, room="user:1"))
    assert (error["type"], error["code"], error["room"]) == ("error", "forbidden", "user:1")
    assert requester.received == []


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Refused("expected less"), "forbidden"),
        (Refused("expected less", ErrorCode.INVALID_MESSAGE), "invalid_message"),
        (ZeroDivisionError("a defect"), "unavailable"),
        (asyncio.CancelledError(), "unavailable"),  # of a task that others share, say
    ],
)
async def test_after_an_exception_of_a_handler_the_next_request_is_served(
    requester: Requester, failure: BaseException, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    requester.failure = failure
    (error,) = await requester.send(message(1))
    assert (error["type"], error["code"], error["room"]) == ("error", code, ROOM)
    assert ("receive_message, user 1 (ada)" in caplog.text) is (code == "unavailable")
    requester.failure = None
    (ack,) = await requester.send(message(2))
    assert ack["type"] == "ack"


async def test_a_log_out_of_reach_is_unavailable(requester: Requester) -> None:
    requester.harness.log.down = True
    (error,) = await requester.send(Join(id=1, room=ROOM))
    assert error["code"] == "unavailable"
    assert requester.session.rooms == ("user:1",)
    requester.harness.log.down = False
    (joined,) = await requester.send(Join(id=2, room=ROOM))
    assert joined["type"] == "joined"


async def test_the_server_s_rules_come_before_the_handler(requester: Requester) -> None:
    answers = await requester.send(
        message(1, "user:1"), message(2, "user:2"), message(3, "no room"), Join(id=4, room="shut")
    )
    codes = ["forbidden", "forbidden", "invalid_message", "forbidden"]
    assert [answer["code"] for answer in answers] == codes
    assert requester.received == []


async def test_too_many_at_once_are_rate_limited_and_the_others_served(
    requester: Requester,
) -> None:
    requester.open.clear()
    requester.requests.put(message(0))
    await settled()
    for id_ in range(1, MAX_WAITING + 3):
        requester.requests.put(message(id_))
    await eventually_in_loop(lambda: requester.transport.types.count("error") == 2)
    errors = [m for m in requester.transport.messages if m["type"] == "error"]
    limited = [MAX_WAITING + 1, MAX_WAITING + 2]
    assert [(m["code"], m["id"]) for m in errors] == [("rate_limited", id_) for id_ in limited]
    requester.open.set()
    await eventually_in_loop(lambda: requester.transport.types.count("ack") == MAX_WAITING + 1)


async def test_a_request_is_a_sign_of_life(requester: Requester) -> None:
    for _ in range(2):
        requester.harness.hub.tick(requester.session, requester.session.heartbeat.due)
    requester.requests.put(Leave(id=1, room=ROOM))
    assert requester.session.heartbeat.missed == 0


async def test_requests_of_a_departed_session_are_dropped(requester: Requester) -> None:
    held = requester.harness.log.held["ends"] = asyncio.Event()
    for request in (Join(id=1, room=ROOM), message(2)):
        requester.requests.put(request)
    await eventually_in_loop(lambda: "ends" not in requester.harness.log.held)
    requester.harness.hub.on_disconnect(requester.session, 1006)
    held.set()
    await requester.harness.settle()
    await settled()
    requester.requests.put(message(3))
    await settled()
    assert (requester.received, requester.session.rooms) == ([], ("user:1",))
    assert list(requester.harness.rooms.names()) == []
