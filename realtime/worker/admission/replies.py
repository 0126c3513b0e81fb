"""Answers a session's requests beside its queue: each in its own task, at once or as a stream.

Invariants:

1. At most MAX_REQUESTS of a session run at a time. A cancelled one counts until its thread is free.
2. A request that is not cancelled gets one end, a reply that is done or an error, unless the
   connection ends before.
3. At most a window of a stream is unacknowledged. A stream that waits holds no thread.
4. A session that has departed has no request that runs.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from msgspec import UNSET, Raw, UnsetType

from realtime.common.tasks import await_external
from realtime.protocol import messages
from realtime.protocol.codes import ErrorCode
from realtime.protocol.frames import EncodedMessage, encode_message
from realtime.protocol.request_messages import (
    Cancel,
    ClientRequest,
    Reply,
    ReplyReceived,
    RequestFrame,
)
from realtime.protocol.window import WINDOW, WINDOW_BYTES, DeliveryMismatch, Window
from realtime.store.contract import StoreUnavailable

from ..connections.connection import Connection
from ..rooms.permissions import Refused
from ..sessions.session import ConnectedSession
from .handlers import LATER, Handlers

MAX_REQUESTS = 8

T = TypeVar("T")

# Returns data as JSON. Raises TypeError and ValueError.
Encode = Callable[[Any], str]

_END = object()


class Replies:
    """The requests of one session that are being answered. ``timeout`` is in seconds: for an
    answer, and for each part of a stream. Close it at the connection's end."""

    def __init__(
        self, session: ConnectedSession, handlers: Handlers, encode: Encode, *, timeout: float
    ) -> None:
        self._session = session
        self._handlers = handlers
        self._encode = encode
        self._timeout = timeout
        self._outboxes: dict[int, _Outbox] = {}  # by the request's id, without cancelled ones
        self._tasks: dict[_Outbox, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(MAX_REQUESTS)
        session.on_departure = self.close

    def close(self) -> None:
        """Cancel all requests. A session that has departed begins no others."""
        self._session.on_departure = _nothing  # else this and the session would be a cycle
        for id_ in tuple(self._outboxes):
            self._cancel(id_)
        for task in self._tasks.values():  # also those that wait for the thread of a cancelled call
            task.cancel()

    # ------------------------------------------------------------ the client's frames

    def receive(self, frame: RequestFrame) -> None:
        """Handle a frame about requests. Never waits."""
        if self._session.departed:
            return
        self._session.touch(asyncio.get_running_loop().time())
        match frame:
            case ClientRequest():
                self._begin(frame)
            case Cancel():
                self._cancel(frame.id)
            case ReplyReceived():
                self._acknowledge(frame)

    def _begin(self, request: ClientRequest) -> None:
        outbox = _Outbox(self._session.connection, request.id)
        if request.id in self._outboxes:
            outbox.fail(ErrorCode.INVALID_MESSAGE, "expected an id that no running request has")
        elif len(self._outboxes) >= MAX_REQUESTS:
            detail = f"expected at most {MAX_REQUESTS} requests at a time"
            outbox.fail(ErrorCode.TOO_MANY_REQUESTS, detail)
        else:
            self._outboxes[request.id] = outbox
            task = asyncio.create_task(self._serve(request, outbox), name="realtime-request")
            self._tasks[outbox] = task
            task.add_done_callback(partial(self._forget, request.id, outbox))

    def _cancel(self, id_: int) -> None:
        """Cancel a request, which gets no answer. Another one may begin at once, and waits for the
        slot of this one."""
        if outbox := self._outboxes.pop(id_, None):
            outbox.ended = True
            self._tasks[outbox].cancel()

    def _acknowledge(self, frame: ReplyReceived) -> None:
        outbox, connection = self._outboxes.get(frame.id), self._session.connection
        if outbox is None:  # its last part was sent meanwhile
            return
        try:
            if outbox.acknowledge(frame.count):
                connection.excuse_frame()  # there are as many as we send
        except DeliveryMismatch as mismatch:
            detail = f"expected the number of parts that have come, not {mismatch}"
            connection.reject_frame(ErrorCode.INVALID_MESSAGE, detail, id=frame.id)

    def _forget(self, id_: int, outbox: "_Outbox", _: object) -> None:
        del self._tasks[outbox]
        if self._outboxes.get(id_) is outbox:  # it was not cancelled
            del self._outboxes[id_]

    # ------------------------------------------------------------ one request

    async def _serve(self, request: ClientRequest, outbox: "_Outbox") -> None:
        try:
            async with self._slots:
                await await_external(self._answer(request, outbox))
        except Refused as refused:
            outbox.fail(refused.code, refused.detail)
        except StoreUnavailable:
            outbox.fail(ErrorCode.UNAVAILABLE, LATER)
        except Exception:
            self._handlers.log_failure("receive_request")
            outbox.fail(ErrorCode.FAILED, "the application could not answer this request")

    async def _answer(self, request: ClientRequest, outbox: "_Outbox") -> None:
        answer = await self._step(partial(self._handlers.receive_request, request))
        if isinstance(answer, AsyncIterable):
            await self._stream(aiter(answer), outbox)
        else:
            outbox.finish(Raw(self._encode(answer)))

    async def _stream(self, parts: AsyncIterator[Any], outbox: "_Outbox") -> None:
        try:
            while (part := await self._step(lambda: anext(parts, _END))) is not _END:
                await outbox.send_part(Raw(self._encode(part)))
        finally:
            if aclose := getattr(parts, "aclose", None):
                await self._step(aclose)
        outbox.finish()

    def _step(self, call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        return self._handlers.step(call, within=self._timeout)


class _Outbox:
    """Sends the answer to one request. ``ended``: nothing more is sent."""

    __slots__ = ("_connection", "_id", "_opened", "_window", "ended")

    def __init__(self, connection: Connection, id_: int) -> None:
        self._connection = connection
        self._id = id_
        self._window = Window(size=WINDOW, size_bytes=WINDOW_BYTES)
        self._opened = asyncio.Event()
        self.ended = False

    async def send_part(self, data: Raw) -> None:
        """Send a part of a stream once the window is open for it."""
        if self.ended:  # the application has caught its cancellation
            raise asyncio.CancelledError
        part = self._encode(data, done=False)
        while not self._window.admit(len(part.frame)):
            self._opened.clear()
            await self._opened.wait()
        self._connection.send_encoded(part)

    def acknowledge(self, count: int) -> bool:
        """Apply the client's count of the parts that it has consumed; return whether it rose.
        Raises DeliveryMismatch."""
        is_new = self._window.acknowledge(count)
        if is_new:
            self._opened.set()
        return is_new

    def finish(self, data: Raw | UnsetType = UNSET) -> None:
        """Send the one answer, or the end of a stream."""
        if not self.ended:
            self._connection.send_encoded(self._encode(data, done=True))

    def fail(self, code: ErrorCode, detail: str) -> None:
        """Send an error instead of an answer, or of the rest of one."""
        if not self.ended:
            self._connection.send(messages.Error(code.value, detail, self._id))

    def _encode(self, data: Raw | UnsetType, *, done: bool) -> EncodedMessage:
        reply = Reply(id=self._id, done=done, data=data)
        return encode_message(messages.encode(reply))


def _nothing() -> None:
    pass
