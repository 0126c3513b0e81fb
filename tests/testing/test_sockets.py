"""Sockets without a server."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from realtime import api
from realtime.consumers import ClientRequest, RealtimeConsumer
from realtime.routing import websocket_application
from realtime.testing import connect
from realtime.testing.plugin import Connect


class Open(RealtimeConsumer):
    """Lets users into rooms that begin with "open"."""

    async def authorize(self, room: str, action: str) -> bool:
        return room.startswith("open")

    async def receive_bytes(self, data: bytes) -> None:
        self.send_bytes(data[::-1])

    async def receive_request(self, request: ClientRequest) -> str:
        return f"{request.name} of {request.data}"


OPEN = websocket_application(Open)


async def test_a_socket_is_welcome_and_receives(realtime_connect: Connect, user: User) -> None:
    socket = await realtime_connect(user)
    assert socket.welcome["user"] == str(user.pk)
    await api.apublish_to_user(user, {"n": 1})
    await api.apublish_to_user(user, {"n": 2})
    assert [(await socket.receive("publication"))["data"]["n"] for _ in range(2)] == [1, 2]


async def test_requests_are_answered(realtime_connect: Connect, user: User) -> None:
    socket = await realtime_connect(user, application=OPEN, rooms=["open:1"])
    assert set(socket.welcome["rooms"]) == {"open:1", f"user:{user.pk}"}
    assert (await socket.request("join", room="open:2"))["type"] == "joined"
    assert (await socket.request("join", room="shut"))["code"] == "forbidden"
    assert (await socket.request("message", room="open:1", data="hello"))["type"] == "ack"
    assert (await socket.receive("publication"))["data"] == "hello"
    await socket.send_bytes(b"abc")
    answer = await socket.request("request", name="price", data=7)
    assert (answer["type"], answer["data"]) == ("reply", "price of 7")
    await socket.request("leave", room="open:1")
    assert socket.binary == [b"cba"]


async def test_a_kick_closes_a_socket(realtime_connect: Connect, user: User) -> None:
    socket = await realtime_connect(user)
    assert await api.akick_user(user, reason="enough") == 1
    assert await socket.closed() == (4500, "enough")


async def test_a_lost_session_is_resumed(realtime_connect: Connect, user: User) -> None:
    first = await realtime_connect(user)
    await first.lose()
    second = await realtime_connect(user, resume=first.ticket)
    assert second.welcome["resumed"] is True


async def test_who_is_not_welcome_is_told_why(realtime_worker: None) -> None:
    with pytest.raises(AssertionError, match="4501"):
        async with connect():
            pass
    with pytest.raises(AssertionError, match="4502"):
        async with connect(headers={"Origin": "https://evil.example.com"}):
            pass


async def test_what_a_consumer_raises_reaches_the_test(realtime_worker: None) -> None:
    class Broken(RealtimeConsumer):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with connect(application=websocket_application(Broken)):
            pass
