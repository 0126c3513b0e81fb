"""Handlers of the application: their threads, their time limits and their lines in the log."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from realtime.consumers import RealtimeConsumer
from realtime.protocol.messages import RoomMessage
from realtime.security.authentication import Login
from realtime.worker import instances
from realtime.worker.admission import identification, requests
from realtime.worker.runtime import Runtime
from tests.consumers.client import HELLO, QUICK, Client


@pytest.fixture
async def worker(transactional_db: None, settings: Any) -> AsyncIterator[Runtime]:
    settings.REALTIME = QUICK
    worker = await instances.start()
    yield worker
    await worker.stop()


class Ada(RealtimeConsumer):
    """A logged-in user with all permissions."""

    async def authenticate(self) -> Login:
        return Login(key="", user="7", username="ada\nforged")

    async def authorize(self, room: str, action: str) -> bool:
        return True


class Slow(Ada):
    """Authorizes in threads, all at the same time."""

    together = threading.Barrier(10)

    async def authorize(self, room: str, action: str) -> bool:
        await sync_to_async(self.together.wait)(10)
        return await User.objects.acount() == 0


@pytest.mark.usefixtures("worker")
async def test_ten_that_are_authorized_in_threads_do_not_wait_for_each_other() -> None:
    clients = [Client(Slow) for _ in range(10)]

    async def come(client: Client) -> str:
        await client.connect(timeout=10)
        await client.send_message(**HELLO, rooms={"chat:1": None})
        return str((await client.receive_message())["type"])

    assert await asyncio.gather(*map(come, clients)) == ["welcome"] * 10
    for client in clients:
        await client.disconnect()


class Hangs(Ada):
    """The handler named ``where`` never returns."""

    where = ""

    async def authenticate(self) -> Login:
        await self.hang("authenticate")
        return await super().authenticate()

    async def authorize(self, room: str, action: str) -> bool:
        await self.hang("authorize")
        return True

    async def hang(self, here: str) -> None:
        if here == self.where:
            await asyncio.Event().wait()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("handler", ["authenticate", "authorize"])
async def test_a_handler_that_hangs_makes_the_client_try_again(
    handler: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Hangs, "where", handler)
    monkeypatch.setattr(identification, "ADMISSION_TIMEOUT", 0.05)
    client = Client(Hangs)
    await client.connect(timeout=10)
    await client.send_message(**HELLO, rooms={"chat:1": None})
    assert (await client.end())[1] == 4009
    user = "anonymous" if handler == "authenticate" else r"'7 (ada\nforged)'"
    assert [line for line in caplog.messages if "failed" in line] == [
        f"a handler of the application failed: {handler}, user {user}, session none yet"
    ]


@pytest.mark.usefixtures("worker")
async def test_a_join_that_hangs_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(requests, "ADMISSION_TIMEOUT", 0.05)
    client = Client(Hangs)
    welcome = await client.greet()
    monkeypatch.setattr(Hangs, "where", "authorize")
    await client.send_message(type="join", room="chat:1", id=1)
    error = await client.receive_message()
    assert (error["type"], error["code"], error["id"]) == ("error", "unavailable", 1)
    assert f"authorize, user '7 (ada\\nforged)', session {welcome['session'][:8]}" in caplog.text
    await client.disconnect()


class Broken(Ada):
    """Has defects, and a user whose key would forge lines of the log."""

    async def authenticate(self) -> Login:
        return Login(key="", user="7\nforged", username="ada")

    async def receive_message(self, message: RoomMessage) -> None:
        raise ZeroDivisionError

    async def receive_bytes(self, data: bytes) -> None:
        raise ZeroDivisionError


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("handler", ["receive_message", "receive_bytes"])
async def test_a_handler_that_fails_is_named_with_user_and_session(
    handler: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(Broken)
    session = (await client.greet())["session"][:8]
    if handler == "receive_bytes":
        await client.send_to(bytes_data=b"1")
    else:
        await client.send_message(type="message", room="chat:1", id=1, key="k", data=1)
    await client.receive_message()
    (record,) = [each for each in caplog.records if each.name == "realtime.work"]
    line: Any = record
    assert (line.handler, line.user, line.session) == (handler, r"7\nforged", session)
    assert "ZeroDivisionError" in caplog.text
    await client.disconnect()


@pytest.mark.usefixtures("transactional_db")
async def test_without_a_thread_the_client_tries_again(settings: Any) -> None:
    settings.REALTIME = {**QUICK, "HANDLER_THREADS": 1}
    worker = await instances.start()
    worker.handler_threads._timeout = 0.05
    gate = threading.Event()
    with worker.handler_threads.executor():
        busy = asyncio.ensure_future(sync_to_async(gate.wait)(10))
        await asyncio.sleep(0.05)
    client = Client(Slow)
    await client.connect(timeout=10)
    await client.send_message(**HELLO, rooms={"chat:1": None})
    assert (await client.end())[1] == 4009
    gate.set()
    await busy
    await worker.stop()


class Leaves(Ada):
    """Creates a user when it returns."""

    async def __call__(self, *arguments: Any) -> None:
        try:
            await super().__call__(*arguments)
        finally:
            await sync_to_async(time.sleep)(0)
            await User.objects.acreate(username="left")


async def test_code_around_the_connection_has_threads_too(worker: Runtime) -> None:
    client = Client(Leaves)
    await client.greet()
    await client.disconnect()
    assert await sync_to_async(User.objects.filter(username="left").exists)()
    # The first sync call may still be closing its connections when the second needs a thread.
    assert worker.handler_threads._total in (1, 2)
