"""The consumer, without a server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as DjangoSession
from django.test import Client as Browser

from realtime import signals
from realtime.consumers import ANONYMOUS, Login, RealtimeConsumer, RoomMessage
from realtime.consumers.consumer import SERVER_EXTENSION
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Deliveries, SessionState
from realtime.worker import instances
from realtime.worker.admission.handler_queue import MAX_WAITING
from realtime.worker.runtime import Runtime
from tests.polling import eventually_in_loop

HELLO = {"type": "hello", "protocol": 1}
QUICK = {"ALLOW_ANONYMOUS": True, "FLUSH_INTERVAL": 3600.0, "LEASE": 36000.0, "SWEEP_INTERVAL": 0}


class Client(WebsocketCommunicator):
    """A client without a server between it and the consumer."""

    def __init__(
        self,
        consumer: type[RealtimeConsumer] = RealtimeConsumer,
        *,
        headers: dict[str, str] | None = None,
        subprotocols: list[str] | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> None:
        pairs = [(k.encode(), v.encode()) for k, v in (headers or {}).items()]
        super().__init__(consumer.as_asgi(), "/ws/", pairs, subprotocols)
        self.scope["client"] = ["192.0.2.1", 4711]
        self.scope["extensions"] = extensions or {}

    async def send_message(self, **message: Any) -> None:
        await self.send_to(text_data=json.dumps(message))

    async def receive_message(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.receive_from(timeout=10))
        return message

    async def greet(self) -> dict[str, Any]:
        """Connect and say hello; the welcome."""
        await self.connect(timeout=10)
        await self.send_message(**HELLO)
        return await self.receive_message()

    async def end(self) -> tuple[list[dict[str, Any]], int]:
        """The remaining messages and the close code; the consumer then returns."""
        messages: list[dict[str, Any]] = []
        while (event := await self.receive_output(10))["type"] != "websocket.close":
            messages.append(json.loads(event["text"]))
        await self.send_input({"type": "websocket.disconnect", "code": event["code"]})
        await self.wait(10)
        return messages, event["code"]


class Hesitant(RealtimeConsumer):
    """Its ``authorize`` waits for ``answer``."""

    called: asyncio.Event
    answer: asyncio.Event

    async def authorize(self, room: str, action: str) -> bool:
        self.called.set()
        await self.answer.wait()
        return True


@pytest.fixture
async def worker(transactional_db: None, settings: Any) -> AsyncIterator[Runtime]:
    settings.REALTIME = QUICK
    worker = await instances.start()
    yield worker
    await worker.stop()


# ---------------------------------------------------------------- the handshake


@pytest.mark.parametrize("origin", ["https://evil.com", "null", "http://[::1", "http://x:99999"])
async def test_a_foreign_origin_is_refused_before_a_worker_starts(origin: str) -> None:
    client = Client(headers={"host": "testserver", "origin": origin})
    connected, _ = await client.connect()
    assert not connected
    assert instances.running() == []
    await client.wait()


async def test_another_subprotocol_is_refused() -> None:
    client = Client(subprotocols=["chat", "realtime.v2"])
    connected, _ = await client.connect()
    assert not connected
    await client.wait()


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["realtime.v1"], "realtime.v1"), (["chat", "realtime.v1"], "realtime.v1"), (None, None)],
)
@pytest.mark.usefixtures("worker")
async def test_our_subprotocol_is_chosen_if_any_is_offered(
    offered: list[str] | None, chosen: str | None
) -> None:
    client = Client(subprotocols=offered)
    assert await client.connect() == (True, chosen)
    await client.disconnect()


# ---------------------------------------------------------------- who it is


async def test_without_a_login_it_is_closed_with_4501(worker: Runtime, settings: Any) -> None:
    settings.REALTIME = {**QUICK, "ALLOW_ANONYMOUS": False}
    client = Client()
    assert (await client.connect())[0]
    await client.send_message(**HELLO)
    messages, code = await client.end()
    assert (messages[0]["type"], messages[0]["reconnect"], code) == ("goodbye", False, 4501)
    assert (await worker.store.stats()).connected == 0


@pytest.fixture
def cookie(transactional_db: None) -> Callable[[], tuple[str, str]]:
    """A login by Django's own client: the user's key and the cookie."""
    user = User.objects.create_user("ada", password="first")
    browser = Browser()
    browser.force_login(user)
    return lambda: (str(user.pk), f"sessionid={browser.cookies['sessionid'].value}")


async def test_a_logout_before_hello_is_noticed(
    cookie: Callable[[], tuple[str, str]], worker: Runtime, settings: Any
) -> None:
    """The cookie comes with the handshake; the login is loaded after hello."""
    settings.REALTIME = {**QUICK, "ALLOW_ANONYMOUS": False}
    client = Client(headers={"cookie": cookie()[1]})
    await client.connect()
    await worker.context.threads.logins.run(DjangoSession.objects.all().delete)
    await client.send_message(**HELLO)
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["goodbye"], 4501)


async def test_a_logout_while_rooms_are_authorized_is_noticed(
    cookie: Callable[[], tuple[str, str]], worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A logout closes only sessions that the store has."""
    monkeypatch.setattr("realtime.worker.admission.handshake.LOGIN_FRESH", 0.0)
    Hesitant.called, Hesitant.answer = asyncio.Event(), asyncio.Event()
    client = Client(Hesitant, headers={"cookie": cookie()[1]})
    await client.connect()
    await client.send_message(**HELLO, rooms={"open": None})
    await asyncio.wait_for(Hesitant.called.wait(), 10)
    await worker.context.threads.logins.run(DjangoSession.objects.all().delete)
    Hesitant.answer.set()
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["goodbye"], 4008)
    assert (await worker.store.stats()).connected == 0


async def test_a_login_is_known_by_its_cookie(
    cookie: Callable[[], tuple[str, str]], worker: Runtime
) -> None:
    user, header = cookie()
    client = Client(
        headers={"cookie": header, "user-agent": "Tester\0/1.0"}
    )  # PostgreSQL takes no NUL
    welcome = await client.greet()
    assert welcome["user"] == user
    record = await worker.store.get(welcome["session"])
    assert record is not None
    peer = record.peer
    assert (peer.username, peer.address, peer.agent) == ("ada", "192.0.2.1", "Tester/1.0")
    assert peer.login
    assert peer.login not in header
    await client.disconnect()


class Ticketed(RealtimeConsumer):
    """Authenticates without the cookie."""

    async def authenticate(self) -> Login:
        return Login(key="", user="42", username="zaphod")


@pytest.mark.usefixtures("worker")
async def test_a_subclass_may_authenticate_differently() -> None:
    client = Client(Ticketed)
    assert (await client.greet())["user"] == "42"
    await client.disconnect()


class Unknowing(RealtimeConsumer):
    """Cannot authenticate now."""

    async def authenticate(self) -> Login:
        raise StoreUnavailable("down")


@pytest.mark.usefixtures("worker")
async def test_a_login_that_cannot_be_known_now_is_4009() -> None:
    client = Client(Unknowing)
    await client.connect()
    await client.send_message(**HELLO)
    messages, code = await client.end()
    assert (code, messages[0]["reconnect"]) == (4009, True)


class Defective(RealtimeConsumer):
    """Has a defect in ``authenticate``."""

    async def authenticate(self) -> Login:
        raise ZeroDivisionError("a defect")


@pytest.mark.usefixtures("worker")
async def test_a_defect_in_authenticate_is_logged_and_the_client_comes_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = Client(Defective)
    await client.connect()
    await client.send_message(**HELLO)
    messages, code = await client.end()
    assert (code, messages[0]["reconnect"]) == (4009, True)
    assert "ZeroDivisionError: a defect" in caplog.text


# ---------------------------------------------------------------- hello


@pytest.mark.usefixtures("worker")
async def test_without_a_hello_in_time_it_ends_with_4005(settings: Any) -> None:
    settings.REALTIME = {**QUICK, "HELLO_TIMEOUT": 0.01}
    client = Client()
    await client.connect()
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["goodbye"], 4005)


@pytest.mark.usefixtures("worker")
async def test_other_frames_do_not_extend_the_time_for_hello(settings: Any) -> None:
    settings.REALTIME = {**QUICK, "HELLO_TIMEOUT": 0.05}
    client = Client()
    await client.connect()
    await client.send_message(type="ping", sequence=1)
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["error", "goodbye"], 4005)


@pytest.mark.usefixtures("worker")
async def test_anything_before_hello_is_not_ready_and_does_not_count() -> None:
    client = Client()
    await client.connect()
    await client.send_message(type="ping", sequence=1)
    await client.send_to(bytes_data=b"\x00")
    errors = [await client.receive_message() for _ in range(2)]
    assert [(error["code"], error.get("id")) for error in errors] == [
        ("not_ready", None),
        ("not_ready", 0),
    ]
    await client.send_message(**HELLO)
    assert (await client.receive_message())["type"] == "welcome"
    await client.disconnect()


@pytest.mark.usefixtures("worker")
async def test_ten_frames_before_hello_end_it() -> None:
    client = Client()
    await client.connect()
    for _ in range(12):
        await client.send_message(type="bye")
    messages, code = await client.end()
    assert [message["type"] for message in messages] == ["error"] * 10 + ["goodbye"]
    assert code == 4505


@pytest.mark.usefixtures("worker")
async def test_another_version_of_the_protocol_is_4505() -> None:
    client = Client()
    await client.connect()
    await client.send_message(type="hello", protocol=2)
    messages, code = await client.end()
    assert (messages[0]["reason"], code) == ("protocol errors: expected protocol 1", 4505)


@pytest.mark.usefixtures("worker")
async def test_a_second_hello_is_an_error_and_no_end() -> None:
    client = Client()
    await client.greet()
    await client.send_message(**HELLO)
    assert (await client.receive_message())["code"] == "invalid_message"
    await client.send_message(type="ping", sequence=1)
    assert (await client.receive_message())["type"] == "pong"
    await client.disconnect()


async def test_a_store_out_of_reach_is_4009(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("down")

    monkeypatch.setattr(worker.store, "open", down)
    client = Client()
    await client.connect()
    await client.send_message(**HELLO)
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["goodbye"], 4009)


@pytest.mark.parametrize(("extensions", "code"), [({}, 4001), ({SERVER_EXTENSION: {}}, 1001)])
async def test_a_hello_while_goodbyes_are_sent_is_refused(
    worker: Runtime, extensions: dict[str, Any], code: int
) -> None:
    worker.draining = worker.closing = True
    client = Client(extensions=extensions)
    await client.connect()
    await client.send_message(**HELLO)
    messages, ended = await client.end()
    assert (messages[-1]["delay"], ended) == ([0, 5000], code)


class Late(RealtimeConsumer):
    """Publishes a message only when it is cancelled, also after a drain."""

    async def receive_message(self, message: RoomMessage) -> None:
        self.begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        try:
            await self.publish("chat:1", 1, key=message.key)
        except StoreUnavailable as error:
            self.ends.append(str(error))

    begun: asyncio.Event
    ends: list[str]


async def test_a_handler_that_outlives_a_drain_starts_no_other_worker(
    transactional_db: None, settings: Any
) -> None:
    settings.REALTIME = QUICK
    worker = await instances.start()
    Late.begun, Late.ends = asyncio.Event(), []
    client = Client(Late)
    await client.greet()
    await client.send_message(type="message", room="chat:1", key="a", data=1, id=1)
    await asyncio.wait_for(Late.begun.wait(), 10)
    await worker.drain()
    await client.end()
    await eventually_in_loop(lambda: Late.ends)
    assert (Late.ends, instances.running()) == (["this worker has ended"], [])


async def test_a_hello_that_a_drain_has_ended_opens_no_session(worker: Runtime) -> None:
    Hesitant.called, Hesitant.answer = asyncio.Event(), asyncio.Event()
    client = Client(Hesitant)
    await client.connect()
    await client.send_message(**HELLO, rooms={"open": None})
    await asyncio.wait_for(Hesitant.called.wait(), 10)
    worker.hub.end_all()
    Hesitant.answer.set()
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["goodbye"], 4001)
    stats = await worker.store.stats()
    assert (stats.connected, stats.suspended) == (0, 0)


# ---------------------------------------------------------------- the end


async def state_of(worker: Runtime, session: str) -> SessionState | None:
    record = await worker.store.get(session)
    return record.state if record else None


async def test_a_transport_that_goes_suspends_the_session(worker: Runtime) -> None:
    client = Client()
    session = (await client.greet())["session"]
    await client.disconnect(code=1001)
    await worker.disconnects.settle(10)
    assert await state_of(worker, session) is SessionState.SUSPENDED


async def test_a_bye_closes_the_session(worker: Runtime) -> None:
    client = Client()
    session = (await client.greet())["session"]
    await client.send_message(type="bye")
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["goodbye"], 1000)
    assert await state_of(worker, session) is None


async def test_a_server_that_cancels_suspends_the_session(worker: Runtime) -> None:
    client = Client()
    session = (await client.greet())["session"]
    client.future.cancel()
    await asyncio.wait([client.future])
    await worker.disconnects.settle(10)
    assert await state_of(worker, session) is SessionState.SUSPENDED


async def test_a_client_that_never_hangs_up_is_dropped(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.worker.connections.connection.CLOSE_TIMEOUT", 0.01)
    client = Client()
    await client.greet()
    (session,) = worker.hub.connected()
    worker.hub.end(session, 4002)
    await client.wait(10)
    assert client.future.exception() is None


async def test_the_tenth_malformed_frame_closes_the_session(worker: Runtime) -> None:
    client = Client()
    session = (await client.greet())["session"]
    for _ in range(10):
        await client.send_to(text_data="no JSON")
    messages, code = await client.end()
    assert [message["type"] for message in messages] == ["error"] * 10 + ["goodbye"]
    assert code == 4505
    await worker.disconnects.settle(10)
    assert await state_of(worker, session) is None


# ---------------------------------------------------------------- rooms


async def test_without_an_override_no_room_can_be_joined(worker: Runtime) -> None:
    client = Client(Ticketed)
    await client.connect(timeout=10)
    await client.send_message(**HELLO, rooms={"open": None})
    assert list((await client.receive_message())["rooms"]) == ["user:42"]
    error = await client.receive_message()
    assert (error["room"], error["code"]) == ("open", "forbidden")
    await client.send_message(type="join", id=1, room="open")
    assert (await client.receive_message())["code"] == "forbidden"
    await client.send_message(type="message", id=2, room="open", data=1, key="k")
    assert (await client.receive_message())["code"] == "not_joined"
    await client.disconnect()


class Open(Ticketed):
    """One room is open; for two others ``authorize`` raises."""

    async def authorize(self, room: str, action: str) -> bool:
        if room == "broken":
            raise ZeroDivisionError("a defect")
        if room == "cancelled":
            raise asyncio.CancelledError
        return room == "open" and self.peer.user == "42" and action in ("join", "publish")


async def test_a_message_is_published_and_acknowledged(worker: Runtime) -> None:
    signals_sent: list[tuple[str, str]] = []
    receivers = {
        "joined": lambda room, **_: signals_sent.append(("joined", room)),
        "left": lambda room, **_: signals_sent.append(("left", room)),
    }
    signals.room_joined.connect(receivers["joined"])
    signals.room_left.connect(receivers["left"])
    client = Client(Open)
    await client.greet()
    await client.send_message(type="join", id=1, room="open")
    assert (await client.receive_message())["type"] == "joined"
    for number in range(2):
        await client.send_message(type="message", id=number, room="open", data={"n": 1}, key="k")
    frames = sorted(
        [await client.receive_message() for _ in range(3)], key=lambda frame: str(frame["type"])
    )
    assert [frame["type"] for frame in frames] == ["ack", "ack", "publication"]
    assert (frames[2]["data"], frames[2]["offset"]) == ({"n": 1}, 1)
    assert worker.hub.report().deliveries == Deliveries(published=1, delivered=1)
    await client.send_message(type="leave", id=3, room="open")
    assert (await client.receive_message())["type"] == "left"
    expected = [("joined", "open"), ("joined", "user:42"), ("left", "open")]
    await eventually_in_loop(lambda: sorted(signals_sent) == expected)
    await client.disconnect()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("room", "logged"), [("broken", "ZeroDivisionError"), ("cancelled", "SpuriousCancellation")]
)
async def test_an_exception_in_authorize_makes_the_client_come_back(
    room: str, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(Open)
    await client.connect()
    await client.send_message(**HELLO, rooms={room: None})
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["goodbye"], 4009)
    assert logged in caplog.text


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("wrong", [{"data": "x" * 65_536}, {"key": "a\0b"}])
async def test_invalid_data_or_keys_are_refused(wrong: dict[str, Any]) -> None:
    client = Client(Open)
    await client.greet()
    await client.send_message(type="join", id=1, room="open")
    await client.receive_message()
    await client.send_message(
        **{"type": "message", "id": 2, "room": "open", "data": 1, "key": "k", **wrong}
    )
    error = await client.receive_message()
    assert (error["code"], error["id"]) == ("invalid_message", 2)
    await client.disconnect()


# ---------------------------------------------------------------- binary frames


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("data", [b"\x00\xff", b""])
async def test_bytes_without_an_override_are_an_error(data: bytes) -> None:
    client = Client()
    await client.greet()
    await client.send_input({"type": "websocket.receive", "bytes": data})
    error = await client.receive_message()
    assert (error["code"], error["id"]) == ("invalid_message", 0)
    await client.send_message(type="join", id=1)
    assert (await client.receive_message()).get("id") is None
    await client.disconnect()


class Echo(RealtimeConsumer):
    """Sends every binary frame back."""

    async def receive_bytes(self, data: bytes) -> None:
        self.send_bytes(data)


@pytest.mark.usefixtures("worker")
async def test_bytes_reach_the_override_and_may_be_answered() -> None:
    client = Client(Echo)
    await client.greet()
    for data in (b"\x00\xff", b"2"):
        await client.send_to(bytes_data=data)
        assert await client.receive_from(10) == data
    await client.disconnect()


async def test_bytes_are_a_sign_of_life(worker: Runtime) -> None:
    client = Client(Echo)
    await client.greet()
    (session,) = worker.hub.connected()
    worker.hub.tick(session, session.heartbeat.due)
    worker.hub.tick(session, session.heartbeat.due)
    assert session.heartbeat.missed == 1
    await client.send_to(bytes_data=b"x")
    await eventually_in_loop(lambda: session.heartbeat.missed == 0)
    await client.disconnect()


@pytest.mark.usefixtures("transactional_db")
async def test_bytes_have_a_size_limit(settings: Any) -> None:
    settings.REALTIME = {**QUICK, "MAX_MESSAGE_SIZE": 100}
    worker = await instances.start()
    client = Client(Echo)
    await client.greet()
    await client.send_to(bytes_data=bytes(101))
    error = await client.receive_message()
    assert (error["detail"], error["id"]) == ("expected a frame of at most 100 bytes", 0)
    await client.send_to(bytes_data=bytes(100))
    assert await client.receive_from(10) == bytes(100)
    await client.disconnect()
    await worker.stop()


@pytest.mark.usefixtures("transactional_db")
async def test_bytes_of_all_frames_count_for_the_rate(settings: Any) -> None:
    settings.REALTIME = {**QUICK, "BYTE_RATE": (1, 300)}
    worker = await instances.start()
    client = Client(Echo)
    await client.greet()
    await client.send_to(bytes_data=bytes(100))
    assert await client.receive_from(10) == bytes(100)
    await client.send_message(type="bye", x="x" * 300)
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["goodbye"], 4004)
    await worker.stop()


class Slow(RealtimeConsumer):
    """Waits for ``go_on``."""

    go_on: asyncio.Event
    begun: int
    cancelled: bool

    async def receive_bytes(self, data: bytes) -> None:
        type(self).begun += 1
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            type(self).cancelled = True
            raise
        self.send_bytes(data)


@pytest.fixture
async def slow(worker: Runtime) -> Client:
    Slow.go_on, Slow.begun, Slow.cancelled = asyncio.Event(), 0, False
    client = Client(Slow)
    await client.greet()
    return client


async def test_a_slow_handler_does_not_delay_pongs(slow: Client) -> None:
    await slow.send_to(bytes_data=b"1")
    await eventually_in_loop(lambda: Slow.begun)
    await slow.send_message(type="ping", sequence=1)
    assert (await slow.receive_message())["type"] == "pong"
    Slow.go_on.set()
    assert await slow.receive_from(10) == b"1"
    await slow.disconnect()


async def test_a_full_queue_answers_rate_limited_and_loses_nothing_else(slow: Client) -> None:
    await slow.send_to(bytes_data=b"0")
    await eventually_in_loop(lambda: Slow.begun)
    for _ in range(MAX_WAITING + 1):
        await slow.send_to(bytes_data=b"n")
    error = await slow.receive_message()
    assert (error["type"], error["code"], error["id"]) == ("error", "rate_limited", 0)
    Slow.go_on.set()
    answers = [await slow.receive_from(10) for _ in range(MAX_WAITING + 1)]
    assert answers == [b"0"] + [b"n"] * MAX_WAITING
    await slow.disconnect()


async def test_a_handler_is_cancelled_when_the_transport_goes(slow: Client) -> None:
    await slow.send_to(bytes_data=b"1")
    await eventually_in_loop(lambda: Slow.begun)
    await slow.disconnect()
    await eventually_in_loop(lambda: Slow.cancelled)


class Broken(RealtimeConsumer):
    """Has a defect."""

    async def receive_bytes(self, data: bytes) -> None:
        raise ZeroDivisionError("a defect")


async def test_a_handler_that_fails_ends_the_connection_not_the_session(
    worker: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(Broken)
    session = (await client.greet())["session"]
    await client.send_to(bytes_data=b"1")
    messages, code = await client.end()
    assert ([message["type"] for message in messages], code) == (["goodbye"], 4009)
    await worker.disconnects.settle(10)
    assert await state_of(worker, session) is SessionState.SUSPENDED
    assert "a handler of the application failed" in caplog.text


async def test_receive_bytes_is_called_only_where_it_is_overridden() -> None:
    with pytest.raises(RuntimeError):
        await RealtimeConsumer().receive_bytes(b"")
    assert ANONYMOUS.user == ""
