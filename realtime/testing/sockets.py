"""Connections without a server: a client that runs in the event loop of its test."""

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from channels.routing import get_default_application
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import AsyncClient

Frame = dict[str, Any]

TIMEOUT = 5.0  # seconds for each answer that a test awaits


@asynccontextmanager
async def connect(
    user: Any = None,
    *,
    rooms: Iterable[str] | Mapping[str, Frame | None] = (),
    resume: Frame | None = None,
    auth: str | None = None,
    application: Any = None,
    path: str = "/ws/",
    headers: Mapping[str, str] | None = None,
    answer_pings: bool = True,
) -> AsyncIterator["Socket"]:
    """Open a connection, log it in as ``user``, say hello, and await the welcome. At the end of
    the block the line is lost.

    ``rooms`` are names, or positions and rewinds by name, as in a hello. ``resume`` is the
    ``ticket`` of an earlier socket. ``auth`` is a token; ``send("auth", auth=…)`` brings another
    one later. ``application`` is an ASGI application, by default that of ASGI_APPLICATION. Raises
    AssertionError, with what came instead, if the client is not welcome.
    """
    given = {name.lower(): value for name, value in (headers or {}).items()}
    if user is not None:
        given["cookie"] = await _cookie_of(user)
    pairs = [(name.encode(), value.encode()) for name, value in given.items()]
    line = WebsocketCommunicator(application or get_default_application(), path, pairs)
    line.scope["client"] = ["127.0.0.1", 0]
    accepted, code = await line.connect(TIMEOUT)
    assert accepted, f"the handshake was refused with {code}"
    socket = Socket(line, answer_pings=answer_pings)
    try:
        await socket.hello(rooms=rooms, resume=resume, auth=auth)
        yield socket
    finally:
        await socket.lose()


async def _cookie_of(user: Any) -> str:
    """The cookie of a new login."""
    browser = AsyncClient()
    await browser.aforce_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


class Socket:
    """A client that answers pings, and keeps each message of the server in ``frames``."""

    def __init__(self, line: WebsocketCommunicator, *, answer_pings: bool) -> None:
        self.frames: list[Frame] = []
        self.binary: list[bytes] = []
        self._line = line
        self._answer_pings = answer_pings
        self._code: int | None = None
        self._ids = itertools.count(1)
        self._received: dict[str, int] = {}
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read(), name="realtime-test-socket")
        line.future.add_done_callback(lambda _: self._news.set())

    @property
    def welcome(self) -> Frame:
        """The server's answer to the hello."""
        return next(frame for frame in self.frames if frame["type"] == "welcome")

    @property
    def ticket(self) -> Frame:
        """The session and its token, with which another socket may ``resume`` it."""
        return {name: self.welcome[name] for name in ("session", "token")}

    async def hello(
        self,
        *,
        rooms: Iterable[str] | Mapping[str, Frame | None] = (),
        resume: Frame | None = None,
        auth: str | None = None,
    ) -> Frame:
        """Say hello; the welcome."""
        positions = dict(rooms) if isinstance(rooms, Mapping) else dict.fromkeys(rooms)
        given: Frame = {"resume": resume, "auth": auth}
        optional = {name: value for name, value in given.items() if value is not None}
        await self.send("hello", protocol=1, client="tests", rooms=positions, **optional)
        return await self.receive("welcome")

    async def send(self, kind: str, **fields: Any) -> None:
        """Send a message of this type."""
        await self._line.send_json_to({"type": kind, **fields})

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        await self._line.send_input({"type": "websocket.receive", "bytes": data})

    async def request(self, kind: str, **fields: Any) -> Frame:
        """Send a ``join``, ``leave``, ``message`` or ``request``; its answer, which may be an
        ``error``, or the first part of a stream."""
        id_ = next(self._ids)
        key = {"key": uuid.uuid4().hex} if kind == "message" else {}
        await self.send(kind, id=id_, **{**key, **fields})
        frame: Frame = await self._find(lambda: _answer(self.frames, id_), f"an answer to {kind}")
        return frame

    async def receive(self, kind: str) -> Frame:
        """The next message of this type, each of them once. Raises AssertionError if the
        connection ends before, or after TIMEOUT seconds."""
        number = self._received.get(kind, 0)

        def found() -> Frame | None:
            frames = [frame for frame in self.frames if frame["type"] == kind]
            return frames[number] if len(frames) > number else None

        frame: Frame = await self._find(found, kind)
        self._received[kind] = number + 1
        return frame

    async def closed(self) -> tuple[int, str]:
        """Code and reason, once the server has ended the connection."""
        code = await self._find(lambda: self._code, "the end")
        goodbyes = (frame["reason"] for frame in self.frames if frame["type"] == "goodbye")
        return code, next(goodbyes, "")

    async def lose(self) -> None:
        """Lose the line, unless the connection has ended. Raises what the application raises."""
        self._reading.cancel()
        if self._code is None:
            await self._line.input_queue.put({"type": "websocket.disconnect", "code": 1006})
        await self._line.wait(TIMEOUT)

    async def _find(self, found: Callable[[], Any], what: str) -> Any:
        try:
            async with asyncio.timeout(TIMEOUT):
                while (value := found()) is None:
                    ended = self._line.future.done() and self._line.output_queue.empty()
                    assert not ended, f"ended before {what}: {self.frames}"
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{what} did not come: {self.frames}") from None
        return value

    async def _read(self) -> None:
        while self._code is None:
            event = await self._line.output_queue.get()
            if event["type"] == "websocket.close":
                self._code = event.get("code") or 1000
                await self._line.input_queue.put(
                    {"type": "websocket.disconnect", "code": self._code}
                )
            elif event.get("text") is None:
                self.binary.append(event["bytes"])
            else:
                await self._take(json.loads(event["text"]))
            self._news.set()

    async def _take(self, frame: Frame) -> None:
        if frame["type"] == "ping" and self._answer_pings:
            copied = {name: frame[name] for name in ("sequence", "timestamp")}
            await self.send("pong", **copied, received=frame["delivered"])
        self.frames.append(frame)


def _answer(frames: list[Frame], id_: int) -> Frame | None:
    return next((frame for frame in frames if frame.get("id") == id_), None)
