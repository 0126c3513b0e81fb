"""A conversation whose server fails or cancels it, and whose application reuses our names."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import pytest

from realtime.consumers import Login, RealtimeConsumer
from realtime.worker.runtime import Runtime
from tests.polling import eventually_in_loop

from .client import HELLO, Client

consumers: "WeakSet[Waiting]" = WeakSet()


class Waiting(RealtimeConsumer):
    """The handler named ``where`` waits without an end."""

    where = ""
    begun = False

    def __init__(self) -> None:
        consumers.add(self)

    async def authenticate(self) -> Login:
        await self.wait("authenticate")
        return Login(key="", user="42", username="zaphod")

    async def authorize(self, room: str, action: str) -> bool:
        return True

    async def receive_bytes(self, data: bytes) -> None:
        await self.wait("receive_bytes")

    async def wait(self, here: str) -> None:
        if here == self.where:
            self.begun = True
            await asyncio.Event().wait()


async def cancel(client: Client) -> None:
    client.future.cancel()
    await asyncio.wait([client.future])


# ---------------------------------------------------------------- cancellation


@pytest.mark.parametrize("turns", range(24))
async def test_it_may_be_cancelled_at_every_await(turns: int, worker: Runtime) -> None:
    tasks = asyncio.all_tasks()
    client = Client(Waiting)
    await client.send_input({"type": "websocket.connect"})
    await client.send_message(**HELLO, rooms={"chat:1": None})
    await client.send_to(bytes_data=b"1")
    for _ in range(turns):
        await asyncio.sleep(0)
    await cancel(client)
    assert client.future.cancelled()
    assert not worker.ungreeted._counts
    assert not worker.hub._without_session
    assert not worker.hub.connected()
    assert not worker.refusals.totals
    await worker.disconnects.settle(10)
    await eventually_in_loop(lambda: asyncio.all_tasks() <= tasks)
    assert not list(worker.rooms.names())
    assert (await worker.store.stats()).connected == 0


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def connected(where: str) -> Client:
    """A client whose connection waits at this point."""
    client = Client(Waiting)
    await client.connect(timeout=10)
    if where:
        await client.send_message(**HELLO)
    if where in ("frames", "receive_bytes"):
        await client.receive_message()
        await client.send_to(bytes_data=b"1")
    if where in ("authenticate", "receive_bytes"):
        await eventually_in_loop(lambda: all(each.begun for each in consumers))
    return client


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("where", ["", "authenticate", "frames", "receive_bytes"])
async def test_a_cancelled_one_leaves_no_reference_cycle(
    where: str, worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Waiting, "where", where)
    client = await connected(where)
    assert len(consumers) == 1
    await cancel(client)
    await worker.disconnects.settle(10)
    del client
    await eventually_in_loop(lambda: not consumers)


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize("greeted", [False, True])
async def test_an_error_of_the_server_goes_back_to_it(
    greeted: bool, worker: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(Waiting)
    await (client.greet() if greeted else client.connect(timeout=10))
    await client.send_input({})  # an event without a type
    with pytest.raises(KeyError):
        await client.wait(10)
    assert worker.refusals.totals == ({} if greeted else {"application": 1})
    assert "realtime.work" not in [record.name for record in caplog.records]
    assert not worker.ungreeted._counts
    assert not worker.hub.connected()


# ---------------------------------------------------------------- names


class Reuses(Waiting):
    """Assigns to our names what they mean elsewhere; its handler named ``fails`` fails."""

    fails = ""

    async def authenticate(self) -> Login:
        if self.fails == "authenticate":
            self.reuse()
            raise ZeroDivisionError
        self.peer = None  # type: ignore[assignment]
        return await super().authenticate()

    async def receive_bytes(self, data: bytes) -> None:
        self.reuse()
        raise ZeroDivisionError

    def reuse(self) -> None:
        names: Any = self
        names.connection, names.peer, names.session = "a database", "a socket", {"user": 7}


@pytest.mark.parametrize("handler", ["authenticate", "receive_bytes"])
async def test_an_application_that_reuses_our_names_ends_only_its_own_connection(
    handler: str,
    worker: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Reuses, "fails", handler)
    client = Client(Reuses)
    await client.connect(timeout=10)
    await client.send_message(**HELLO)
    await client.send_to(bytes_data=b"1")
    messages, code = await client.end()
    assert (messages[-1]["type"], code) == ("goodbye", 4009)
    assert f"a handler of the application failed: {handler}" in caplog.text
    assert worker.refusals.totals == ({"application": 1} if handler == "authenticate" else {})
    assert not worker.hub.connected()
