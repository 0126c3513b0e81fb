"""The consumer: what an application overrides and calls, without a server."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as DjangoSession
from django.test import Client as Browser
from msgspec.structs import replace

from realtime import signals
from realtime.consumers import ANONYMOUS, Login, RealtimeConsumer, RoomMessage
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Deliveries
from realtime.worker import instances
from realtime.worker.runtime import Runtime
from tests.polling import eventually_in_loop

from .client import HELLO, QUICK, Client, Hesitant

# ---------------------------------------------------------------- authenticate


NO_ANONYMOUS = pytest.mark.parametrize("worker", [{"ALLOW_ANONYMOUS": False}], indirect=True)


@NO_ANONYMOUS
async def test_without_a_login_it_is_closed_with_4501(worker: Runtime) -> None:
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


@NO_ANONYMOUS
async def test_a_logout_before_hello_is_noticed(
    cookie: Callable[[], tuple[str, str]], worker: Runtime
) -> None:
    """The cookie comes with the handshake; the login is loaded after hello."""
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
    monkeypatch.setattr("realtime.worker.admission.identification.LOGIN_FRESH", 0.0)
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
    assert [frame["position"]["offset"] for frame in frames[:2]] == [1, 1]
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


class Counting(Open):
    """Counts what several messages cost."""

    authorized = 0

    async def authorize(self, room: str, action: str) -> bool:
        Counting.authorized += action == "publish"
        return await super().authorize(room, action)


class Handling(Counting):
    """Publishes each message in capitals, and another one for those that ask for it."""

    async def receive_message(self, message: RoomMessage) -> None:
        if message.data == "silent":
            return
        if message.data == "twice":
            await self.publish("open", "FIRST", key=f"{message.key}:1")
        await super().receive_message(replace(message, data=message.data.upper()))


def items(*data: Any) -> list[dict[str, Any]]:
    """Items of ``messages``, with the keys k1, k2 …"""
    return [{"data": each, "key": f"k{number}"} for number, each in enumerate(data, 1)]


async def answer_of(client: Client, kind: str) -> dict[str, Any]:
    """The next frame of this type."""
    while (frame := await client.receive_message())["type"] != kind:
        pass
    return frame


@pytest.mark.parametrize("worker", [{"MAX_PUBLICATION": 100}], indirect=True)
async def test_messages_cost_one_authorize_and_one_call_of_the_store(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    appended: list[list[str]] = []
    append = worker.publisher._log.append

    async def count(requests: Any) -> Any:
        appended.append([request.data for request in requests])
        return await append(requests)

    monkeypatch.setattr(worker.publisher._log, "append", count)
    Counting.authorized = 0
    client = Client(Counting)
    await client.greet()
    await client.send_message(type="join", id=1, room="open")
    mixed = items("a", "b", "c", "b")
    mixed[1]["key"] = "\0"
    await client.send_message(type="messages", id=2, room="open", items=mixed)
    epoch, results = (acks := await answer_of(client, "acks"))["items"][0]["epoch"], acks["items"]
    assert results[1].pop("detail")
    assert results == [
        {"epoch": epoch, "offset": 1},
        {"code": "invalid_message"},
        {"epoch": epoch, "offset": 2},
        {"epoch": epoch, "offset": 3},
    ]
    assert (Counting.authorized, appended) == (1, [['"a"', '"c"', '"b"']])
    again = items("another", "d")
    again[0]["key"], again[1]["key"] = "k3", "k9"
    await client.send_message(type="messages", id=3, room="open", items=again)
    offsets = [item["offset"] for item in (await answer_of(client, "acks"))["items"]]
    assert offsets == [2, 4]
    await client.disconnect()


@pytest.mark.usefixtures("worker")
async def test_messages_go_through_a_handler_one_by_one() -> None:
    client = Client(Handling)
    await client.greet()
    await client.send_message(type="join", id=1, room="open")
    sent = items("a", "silent", "twice", 7, "e")
    await client.send_message(type="messages", id=2, room="open", items=sent)
    results = (await answer_of(client, "acks"))["items"]
    assert [item.get("offset") for item in results] == [1, None, 2, None, None]
    assert [item.get("code") for item in results] == [None, None, None, *["unavailable"] * 2]
    await client.disconnect()


@pytest.mark.usefixtures("worker")
async def test_messages_that_may_not_be_published_are_refused_together() -> None:
    client = Client(Open)
    await client.greet()
    await client.send_message(type="messages", id=2, room="open", items=items(1, 2))
    error = await client.receive_message()
    assert (error["type"], error["code"], error["id"]) == ("error", "not_joined", 2)
    await client.disconnect()


@pytest.mark.parametrize(
    ("worker", "rate"),
    [({"MESSAGE_RATE": (12.5, 40)}, 12), ({"MESSAGE_RATE": (0.5, 40)}, 1)],
    indirect=["worker"],
)
@pytest.mark.usefixtures("worker")
async def test_the_welcome_has_the_rate_of_frames(rate: int) -> None:
    client = Client(Open)
    assert (await client.greet())["message_rate"] == rate
    await client.disconnect()


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


async def test_receive_bytes_is_called_only_where_it_is_overridden() -> None:
    with pytest.raises(RuntimeError):
        await RealtimeConsumer().receive_bytes(b"")
    assert ANONYMOUS.user == ""
