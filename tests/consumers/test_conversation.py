"""A conversation: the handshake, hello, frames and the end, without a server."""

import asyncio
from typing import Any

import pytest

from realtime.consumers import RealtimeConsumer
from realtime.consumers import conversation as module
from realtime.consumers.conversation import SERVER_EXTENSION
from realtime.store.contract import StoreUnavailable
from realtime.store.records import SessionState
from realtime.worker import instances
from realtime.worker.admission.handler_queue import MAX_WAITING
from realtime.worker.runtime import Runtime
from tests.polling import eventually_in_loop

from .client import HELLO, QUICK, Client, Hesitant

# ---------------------------------------------------------------- hello


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


@pytest.mark.parametrize(
    ("cookie", "anonymous", "code"),
    [({}, False, 4501), ({}, True, 4005), ({"cookie": "sessionid=abc"}, False, 4005)],
)
@pytest.mark.usefixtures("worker")
async def test_a_silent_client_is_closed(
    settings: Any, cookie: dict[str, str], code: int, *, anonymous: bool
) -> None:
    settings.REALTIME = {**QUICK, "HELLO_TIMEOUT": 0.01, "ALLOW_ANONYMOUS": anonymous}
    client = Client(headers=cookie)
    await client.connect()
    messages, closed = await client.end()
    assert ([message["type"] for message in messages], closed) == (["goodbye"], code)


@pytest.mark.usefixtures("worker")
async def test_a_client_without_a_cookie_has_less_time(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REALTIME = {**QUICK, "HELLO_TIMEOUT": 3600.0}
    monkeypatch.setattr(module, "STRANGER_TIMEOUT", 0.01)
    client = Client()
    await client.connect()
    assert (await client.end())[1] == 4005


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
