"""Requests with answers, beside the queue of messages."""

import asyncio
import itertools
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, NamedTuple, TypeVar

import msgspec

from realtime.protocol.request_messages import MAX_REQUEST_NAME

from .errors import RequestFailed
from .inbox import Inbox
from .line import MAX_ID, RequestLine
from .socket import ClientSocket

Frame = dict[str, Any]
T = TypeVar("T")

FIRST_ID = MAX_ID + 1  # beyond the ids of joins and messages

_NAME = re.compile(rf"[^\ud800-\udfff]{{1,{MAX_REQUEST_NAME}}}")

# A stream pauses at a window of parts, or of bytes, that the application has not taken. The client
# acknowledges a quarter of either, or this many parts.
ACKNOWLEDGED_PARTS = 16


class ReplyPart(NamedTuple):
    """One ``reply`` frame of so many bytes."""

    frame: Frame
    size: int


class SentRequest:
    """A request that the server has, and the answers that have arrived."""

    def __init__(self, id_: int, socket: ClientSocket, welcome: Frame) -> None:
        self.id = id_
        self._part_limit = min(ACKNOWLEDGED_PARTS, welcome["window"] / 4)
        self._byte_limit = welcome["window_bytes"] / 4
        self.inbox: Inbox[ReplyPart] = Inbox(limit=math.inf)  # the server keeps to its window
        self.is_done = False
        self._socket = socket
        self._taken = self._acknowledged = self._bytes = 0

    async def next(self) -> Frame:
        """Await the next ``reply``; the one before is taken then. Raises RequestFailed."""
        parts = self._taken - self._acknowledged
        if parts >= self._part_limit or self._bytes >= self._byte_limit:
            self._acknowledged, self._bytes = self._taken, 0
            self._send("reply_received", count=self._taken)
        frame, size = await self.inbox.next()
        self._taken += 1
        self._bytes += size
        return frame

    def on_frame(self, frame: Frame, size: int) -> None:
        """Take a ``reply`` or an ``error``."""
        self.is_done = frame["type"] == "error" or frame["done"]
        if frame["type"] == "reply":
            self.inbox.put(ReplyPart(frame, size))
        else:
            self.inbox.end(RequestFailed(frame["code"], frame.get("detail", "")))

    def lose(self) -> None:
        """The connection has ended."""
        self.is_done = True
        self.inbox.end(RequestFailed("lost", "the connection ended before the answer"))

    def cancel(self) -> None:
        """Let the server stop."""
        self._send("cancel")

    def _send(self, kind: str, **fields: int) -> None:
        if not self.is_done:
            self._socket.send({"type": kind, "id": self.id, **fields})


class OpenCalls:
    """The requests that have no final answer yet."""

    def __init__(self, line: RequestLine) -> None:
        self._line = line
        self._socket: ClientSocket | None = None
        self._welcome: Frame = {}
        self._sent: dict[int, SentRequest] = {}
        self._ids = itertools.count(FIRST_ID)
        self._changed = asyncio.Event()  # there is a connection, or the client has ended
        self._make_error: Callable[[], Exception] | None = None

    def open(self, socket: ClientSocket, welcome: Frame) -> None:
        """Begin on a connection that has been welcomed."""
        self._socket, self._welcome = socket, welcome
        self._changed.set()

    def lose(self) -> None:
        """The connection has ended, and with it every request that was sent."""
        self._socket = None
        self._changed.clear()
        for request in self._sent.values():
            request.lose()
        self._sent.clear()

    def end(self, make_error: Callable[[], Exception]) -> None:
        """The client has ended: requests that wait for a connection, and later ones, fail with an
        exception of ``make_error()``."""
        self.lose()
        self._make_error = make_error
        self._changed.set()

    def on_frame(self, frame: Frame, size: int) -> bool:
        """Return whether a frame answers a request."""
        request = self._sent.get(frame.get("id", 0))
        if request is None:
            return False
        request.on_frame(frame, size)
        return True

    async def send(self, name: str, json: bytes) -> SentRequest:
        """Send a request once there is a connection, and a turn below its rate of frames."""
        socket = await self._connected()
        request = SentRequest(next(self._ids), socket, self._welcome)
        self._sent[request.id] = request
        frame = {"type": "request", "id": request.id, "name": name, "data": msgspec.Raw(json)}
        socket.send(frame)
        return request

    def close(self, request: SentRequest) -> None:
        """Forget a request; cancel it if it is not done."""
        if self._sent.pop(request.id, None):
            request.cancel()

    async def _connected(self) -> ClientSocket:
        user = self._welcome.get("user")
        while True:
            await self._changed.wait()
            if self._make_error:
                raise self._make_error()
            if self._welcome.get("user") != user:
                raise RequestFailed("disconnected", "the login is another user's now")
            await self._line.turn()
            if self._socket:
                return self._socket


class RequestCall:
    """A request that is sent when it is awaited, for its one answer, or iterated, for the parts of
    a stream. Leaving early, by a ``break`` or a cancellation, cancels it on the server. Raises
    ValueError for a name that the server would refuse."""

    def __init__(self, calls: OpenCalls, name: str, json: bytes, *, timeout: float | None) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"expected a name of 1 to {MAX_REQUEST_NAME} characters, not {name!r}")
        self._calls = calls
        self._name = name
        self._json = json
        self._timeout = timeout

    def __await__(self) -> Generator[Any, None, Any]:
        return self._answer().__await__()

    async def __aiter__(self) -> AsyncIterator[Any]:
        request = await self._in_time(self._calls.send(self._name, self._json))
        try:
            is_done = False
            while not is_done:
                frame = await self._in_time(request.next())
                is_done = frame["done"]
                if "data" in frame:
                    yield frame["data"]
        finally:
            self._calls.close(request)

    async def _answer(self) -> Any:
        request = await self._in_time(self._calls.send(self._name, self._json))
        try:
            frame = await self._in_time(request.next())
        finally:
            self._calls.close(request)
        if not frame["done"]:
            raise TypeError(f'expected one answer to "{self._name}": iterate over a stream')
        return frame.get("data")

    async def _in_time(self, step: Awaitable[T]) -> T:
        async with asyncio.timeout(self._timeout):
            return await step
