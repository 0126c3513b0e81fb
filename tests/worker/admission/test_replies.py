"""Requests with answers: at once or streamed, beside the queue, bounded, cancelled at the end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from realtime.consumers import ClientRequest, ErrorCode, RealtimeConsumer, Refused
from realtime.protocol.messages import RoomMessage
from realtime.protocol.window import WINDOW, WINDOW_BYTES
from realtime.store.contract import StoreUnavailable
from realtime.worker import instances
from realtime.worker.admission.replies import MAX_REQUESTS
from realtime.worker.runtime import Runtime
from tests.consumers.client import QUICK, Client
from tests.polling import eventually_in_loop

Frame = dict[str, Any]


class Answers(RealtimeConsumer):
    """Answers with the method of the request's name. ``open`` lets those go on that wait, and
    ``log`` has what the others have done."""

    open: asyncio.Event
    gate: threading.Event
    log: list[Any]

    async def authorize(self, room: str, action: str) -> bool:
        return True

    async def receive_message(self, message: RoomMessage) -> None:
        await self.open.wait()

    async def receive_request(self, request: ClientRequest) -> Any:
        handler: Callable[[Any], Awaitable[Any]] | None = getattr(self, f"on_{request.name}", None)
        if handler is None:
            return await super().receive_request(request)
        return await handler(request.data)

    async def on_double(self, data: Any) -> Any:
        return [data, data]

    async def on_fail(self, kind: str) -> None:
        failures: dict[str, BaseException] = {
            "refused": Refused("expected less"),
            "limited": Refused("expected less", ErrorCode.RATE_LIMITED),
            "store": StoreUnavailable("down"),
            "defect": ZeroDivisionError(),
            "cancelled": asyncio.CancelledError(),  # of a task that others share, say
        }
        raise failures[kind]

    async def on_wait(self, name: str) -> str:
        self.log.append(name)
        try:
            await self.open.wait()
        finally:
            self.log.append(f"{name} ended")
        return name

    async def on_stubborn(self, data: Any) -> Any:
        async def parts() -> AsyncIterator[int]:
            yield 0
            for _ in range(2):
                try:
                    await self.open.wait()
                except asyncio.CancelledError:
                    self.log.append("caught")
                yield 1

        return parts()

    async def on_block(self, name: str) -> str:
        def block() -> None:
            self.log.append(name)
            self.gate.wait(10)

        await sync_to_async(block)()
        return name

    async def on_users(self, data: Any) -> int:
        return await User.objects.acount()

    async def on_count(self, data: Any) -> AsyncIterator[Any]:
        return self.count(**data)

    async def count(self, to: int, pad: int = 0, users: bool = False) -> AsyncIterator[Any]:
        try:
            for number in range(to):
                if users:
                    await User.objects.acount()
                self.log.append(number)
                yield [number, "x" * pad] if pad else number
        finally:
            if users:
                await User.objects.acount()
            self.log.append("closed")

    async def on_words(self, data: str) -> Any:
        return Words(data)

    async def on_mixed(self, data: Any) -> Any:
        async def parts() -> AsyncIterator[Any]:
            try:
                yield 1
                yield object()
            finally:
                self.log.append("closed")

        return parts()


class Words:
    """An iterator that is no generator."""

    def __init__(self, text: str) -> None:
        self._words = text.split()

    def __aiter__(self) -> "Words":
        return self

    async def __anext__(self) -> str:
        if not self._words:
            raise StopAsyncIteration
        return self._words.pop(0)


class Streams(RealtimeConsumer):
    """Its handler is a generator itself."""

    async def receive_request(self, request: ClientRequest) -> AsyncIterator[Any]:
        for word in request.data.split():
            yield word


class Plain(Answers):
    """Its handler is no coroutine."""

    def receive_request(self, request: ClientRequest) -> Any:
        return request.data


@pytest.fixture(autouse=True)
def reset() -> None:
    Answers.open = asyncio.Event()
    Answers.gate = threading.Event()
    Answers.log = []


@pytest.fixture
async def worker(transactional_db: None, settings: Any) -> AsyncIterator[Runtime]:
    settings.REALTIME = {**QUICK, "HANDLER_THREADS": 1, "MESSAGE_RATE": (1000.0, 1000.0)}
    worker = await instances.start()
    yield worker
    Answers.open.set()
    Answers.gate.set()
    await worker.stop()


class Asking(Client):
    """A client that has been welcomed and asks."""

    async def ask(self, id_: int, name: str, data: Any = None) -> None:
        await self.send_message(type="request", id=id_, name=name, data=data)

    async def answer(self, name: str, data: Any = None, *, id_: int = 1) -> Frame:
        await self.ask(id_, name, data)
        return await self.receive_message()

    async def until_pause(self) -> list[str]:
        """The frames that come before nothing more does."""
        texts: list[str] = []
        while not await self.receive_nothing():
            texts.append(await self.receive_from())
        return texts

    async def parts(self, count: int) -> list[Any]:
        frames = [await self.receive_message() for _ in range(count)]
        assert {(frame["type"], frame["done"]) for frame in frames} == {("reply", False)}
        return [frame["data"] for frame in frames]


@pytest.fixture
async def client(worker: Runtime) -> AsyncIterator[Asking]:
    client = Asking(Answers)
    await client.greet()
    yield client
    await client.disconnect()


@pytest.mark.parametrize("data", [None, 0, "a", {"id": [7]}])
async def test_an_answer_has_the_id_of_its_request(client: Asking, data: Any) -> None:
    answer = await client.answer("double", data, id_=1_000_001)
    assert answer == {"type": "reply", "id": 1_000_001, "done": True, "data": [data, data]}


async def test_without_data_the_application_gets_none(client: Asking) -> None:
    await client.send_message(type="request", id=1, name="double")
    assert (await client.receive_message())["data"] == [None, None]


async def test_nothing_is_an_answer(worker: Runtime) -> None:
    client = Asking(Plain)
    await client.greet()
    assert await client.answer("x") == {"type": "reply", "id": 1, "done": True, "data": None}
    await client.disconnect()


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("other", None, "unknown_request"),
        ("fail", "refused", "forbidden"),
        ("fail", "limited", "rate_limited"),
        ("fail", "store", "unavailable"),
        ("fail", "defect", "failed"),
        ("fail", "cancelled", "failed"),
    ],
)
async def test_a_failure_is_answered_and_logged_if_it_is_a_defect(
    client: Asking, caplog: pytest.LogCaptureFixture, name: str, data: Any, code: str
) -> None:
    error = await client.answer(name, data)
    assert (error["type"], error["id"], error["code"]) == ("error", 1, code)
    logged = "a handler of the application failed: receive_request, user anonymous"
    assert (logged in caplog.text) is (code == "failed")
    assert (await client.answer("double", 1))["data"] == [1, 1]


async def test_without_an_override_requests_are_unknown(worker: Runtime) -> None:
    client = Asking(RealtimeConsumer)
    await client.greet()
    assert (await client.answer("double"))["code"] == "unknown_request"
    await client.disconnect()


# Streams


async def test_a_stream_ends_without_data(client: Asking) -> None:
    await client.ask(1, "count", {"to": 3})
    assert await client.parts(3) == [0, 1, 2]
    assert await client.receive_message() == {"type": "reply", "id": 1, "done": True}


@pytest.mark.parametrize("consumer", [Answers, Streams])
async def test_a_handler_returns_an_iterator_or_is_a_generator(
    worker: Runtime, consumer: type[RealtimeConsumer]
) -> None:
    client = Asking(consumer)
    await client.greet()
    await client.ask(1, "words", "word by word")
    assert await client.parts(3) == ["word", "by", "word"]
    assert (await client.receive_message())["done"]
    await client.disconnect()


async def test_a_part_that_is_no_json_ends_the_stream(
    client: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    await client.ask(1, "mixed")
    assert await client.parts(1) == [1]
    assert (await client.receive_message())["code"] == "failed"
    assert Answers.log == ["closed"]
    assert "expected data that JSON can express" in caplog.text


async def test_an_answer_above_the_limit_fails(
    client: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await client.answer("double", "x" * 40_000))["code"] == "failed"
    assert "MAX_PUBLICATION" in caplog.text


@pytest.mark.parametrize("pad", [0, 1000, 40_000])
async def test_a_stream_pauses_at_a_window(client: Asking, pad: int) -> None:
    await client.ask(1, "count", {"to": 1000, "pad": pad})
    sizes = [len(text) for text in await client.until_pause()]
    if pad:
        assert WINDOW_BYTES - pad - 100 < sum(sizes) <= WINDOW_BYTES
    else:
        assert len(sizes) == WINDOW
    assert len(Answers.log) == len(sizes) + 1  # one waits
    await client.send_message(type="reply_received", id=1, count=1)
    assert len(await client.until_pause()) == 1


async def test_one_part_may_be_larger_than_the_window(client: Asking, settings: Any) -> None:
    settings.REALTIME = {**settings.REALTIME, "MAX_PUBLICATION": 100_000}
    await client.ask(1, "count", {"to": 2, "pad": 90_000})
    await client.parts(1)
    await client.send_message(type="reply_received", id=1, count=1)
    await client.parts(1)


@pytest.mark.parametrize("counts", [[WINDOW + 1], [2, 1]])
async def test_a_wrong_count_is_answered_with_an_error(client: Asking, counts: list[int]) -> None:
    await client.ask(1, "count", {"to": 1000})
    await client.parts(WINDOW)
    for count in counts:
        await client.send_message(type="reply_received", id=1, count=count)
    frames = [await client.receive_message()]
    while frames[-1]["type"] != "error":
        frames.append(await client.receive_message())
    assert (frames[-1]["code"], frames[-1]["id"]) == ("invalid_message", 1)


async def test_late_acknowledgements_and_cancels_are_ignored(client: Asking) -> None:
    await client.answer("double")
    await client.send_message(type="reply_received", id=1, count=1)
    await client.send_message(type="cancel", id=1)
    assert (await client.answer("double", 2))["data"] == [2, 2]


async def test_a_stream_that_waits_holds_no_thread(client: Asking) -> None:
    """There is one thread."""
    await client.ask(1, "count", {"to": 1000, "users": True})
    await client.parts(WINDOW)
    assert (await client.answer("users", id_=2))["data"] == 0


# Beside the queue, at most eight


async def test_a_request_passes_the_queue(client: Asking) -> None:
    await client.send_message(type="message", id=1, room="chat:1", key="k", data=1)
    assert (await client.answer("double", 1, id_=2))["data"] == [1, 1]
    Answers.open.set()
    assert await client.receive_message() == {"type": "ack", "id": 1}


async def ask_for_all(client: Asking) -> None:
    for id_ in range(MAX_REQUESTS):
        await client.ask(id_, "wait", f"{id_}")
    await eventually_in_loop(lambda: len(Answers.log) == MAX_REQUESTS)


async def test_the_ninth_is_refused(client: Asking) -> None:
    await ask_for_all(client)
    error = await client.answer("double", id_=8)
    assert (error["code"], error["id"]) == ("too_many_requests", 8)
    Answers.open.set()
    answers = [await client.receive_message() for _ in range(MAX_REQUESTS)]
    assert sorted(answer["data"] for answer in answers) == list("01234567")
    assert (await client.answer("double", 1))["data"] == [1, 1]


async def test_an_id_that_runs_is_refused(client: Asking) -> None:
    await client.ask(1, "wait", "first")
    error = await client.answer("double", 1)
    assert (error["code"], error["id"]) == ("invalid_message", 1)
    Answers.open.set()
    assert (await client.receive_message())["data"] == "first"


async def test_a_cancel_makes_room_at_once_and_has_no_answer(client: Asking) -> None:
    await ask_for_all(client)
    await client.send_message(type="cancel", id=3)
    assert (await client.answer("double", 1, id_=8))["data"] == [1, 1]
    assert Answers.log[MAX_REQUESTS:] == ["3 ended"]
    Answers.open.set()
    answers = [await client.receive_message() for _ in range(MAX_REQUESTS - 1)]
    assert sorted(answer["data"] for answer in answers) == list("0124567")


async def test_a_cancelled_stream_is_closed_with_a_thread(client: Asking) -> None:
    await client.ask(1, "count", {"to": 1000, "users": True})
    await client.parts(WINDOW)
    await client.send_message(type="cancel", id=1)
    await eventually_in_loop(lambda: Answers.log[-1] == "closed")
    assert (await client.answer("double", 1))["data"] == [1, 1]


async def test_a_stream_that_catches_its_cancellation_ends(client: Asking, worker: Runtime) -> None:
    await client.ask(1, "stubborn")
    await client.parts(1)
    await client.send_message(type="cancel", id=1)
    await eventually_in_loop(lambda: requests_of(worker) == 0)
    assert Answers.log == ["caught"]
    assert await client.receive_nothing()


def requests_of(_: Runtime) -> int:
    return sum(task.get_name() == "realtime-request" for task in asyncio.all_tasks())


async def test_a_cancelled_call_counts_until_its_thread_is_free(client: Asking) -> None:
    await client.ask(0, "block", "0")
    for id_ in range(1, MAX_REQUESTS):
        await client.ask(id_, "wait", f"{id_}")
    await eventually_in_loop(lambda: len(Answers.log) == MAX_REQUESTS)
    await client.send_message(type="cancel", id=0)
    await client.ask(8, "double", 1)
    assert await client.receive_nothing()
    Answers.gate.set()
    assert (await client.receive_message())["id"] == 8


# Time and ends


@pytest.mark.parametrize("name", ["wait", "stubborn"])
async def test_a_step_has_a_time_limit(
    worker: Runtime, settings: Any, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    settings.REALTIME = {**settings.REALTIME, "REQUEST_TIMEOUT": 0.05}
    client = Asking(Answers)
    await client.greet()
    await client.ask(1, name, "x")
    if name == "stubborn":  # it catches the first limit, and goes on
        await client.parts(3)
        assert (await client.receive_message())["done"]
    else:
        assert (await client.receive_message())["code"] == "failed"
        assert "TimeoutError" in caplog.text
    await client.disconnect()


async def test_a_session_that_departs_ends_its_requests_at_once(
    client: Asking, worker: Runtime
) -> None:
    """As at a drain, a kick, a logout, and a takeover."""
    await ask_for_all(client)
    (session,) = worker.hub.connected()
    worker.hub.end(session, 4500)
    await client.ask(9, "double")  # ignored
    messages, code = await client.end()
    assert (code, [message["type"] for message in messages]) == (4500, ["goodbye"])
    assert sorted(Answers.log[MAX_REQUESTS:]) == [f"{id_} ended" for id_ in range(MAX_REQUESTS)]


async def test_the_end_of_the_line_ends_requests(worker: Runtime) -> None:
    client = Asking(Answers)
    await client.greet()
    await ask_for_all(client)
    await client.disconnect()
    await eventually_in_loop(lambda: len(Answers.log) == 2 * MAX_REQUESTS)
    assert requests_of(worker) == 0


async def test_a_request_is_a_sign_of_life(client: Asking, worker: Runtime) -> None:
    (session,) = worker.hub.connected()
    for _ in range(2):
        worker.hub.tick(session, session.heartbeat.due)
    assert session.heartbeat.missed == 1
    await client.ask(1, "double")
    await eventually_in_loop(lambda: session.heartbeat.missed == 0)
