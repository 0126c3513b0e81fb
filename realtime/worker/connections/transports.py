"""Two ways to send on a connection: frames written directly, or ASGI events from a queue."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from realtime.protocol.frames import EncodedMessage

AsgiEvent = dict[str, Any]
Send = Callable[[AsgiEvent], Awaitable[None]]

logger = logging.getLogger("realtime.connection")


class FrameWriter(Protocol):
    """The ASGI extension ``realtime.frames`` of our servers."""

    @property
    def open(self) -> bool:
        """Whether ``write`` would send."""

    @property
    def unsent(self) -> int:
        """Bytes accepted and not yet taken by the kernel."""

    def write(self, frame: bytes) -> bool:
        """Send a whole frame without waiting; return False if the connection is not open."""

    @staticmethod
    def write_to_all(targets: Iterable[Any], frame: bytes) -> Sequence[int]:
        """Send a frame to all targets with nothing unsent; return the indexes of the others."""


class QueuedTransport:
    """Sends events in order, for servers whose ``send`` may wait. A writer task exists only while
    there is something to write. ``on_failure()`` is called when the server refused an event;
    nothing more can be sent then."""

    def __init__(self, send: Send, on_failure: Callable[[], object]) -> None:
        self._send = send
        self._on_failure = on_failure
        self._events: deque[AsgiEvent] = deque()
        self._writer: asyncio.Task[None] | None = None
        self.unsent = 0

    def put(self, message: EncodedMessage) -> None:
        """Send a message."""
        kind = "text" if isinstance(message.payload, str) else "bytes"
        self._put({"type": "websocket.send", kind: message.payload})

    def close(self, code: int, reason: str) -> None:
        """Send a close frame after the queued messages."""
        self._put({"type": "websocket.close", "code": code, "reason": reason})

    def release(self) -> None:
        """Drop the reference to ``on_failure``; failures are no longer reported."""
        self._on_failure = lambda: None

    def clear(self) -> None:
        """Drop what is queued. It no longer counts as unsent."""
        self._events.clear()
        self.unsent = 0

    async def flush(self) -> None:
        """Wait until the queue is empty or the transport has failed."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    def _put(self, event: AsgiEvent) -> None:
        self.unsent += _size(event)
        self._events.append(event)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="realtime-writer")

    async def _write(self) -> None:
        try:
            while self._events:
                event = self._events.popleft()
                await self._send(event)
                self.unsent -= _size(event)
        except OSError as error:  # what ASGI servers raise when the transport is gone
            logger.debug("a transport was gone before its last frame: %s", error)
            self.clear()
        except Exception:
            logger.exception("a frame could not be sent")
            self.clear()
            self._on_failure()


def _size(event: AsgiEvent) -> int:
    return len(event.get("text") or event.get("bytes") or b"")


class DirectTransport:
    """Writes frames to the server's transport at once, which keeps what the peer does not read.
    Only the close frame goes through ``send``, by a queue that is made for it."""

    def __init__(self, frames: FrameWriter, send: Send, on_failure: Callable[[], object]) -> None:
        self._frames = frames
        self._send = send
        self._on_failure = on_failure
        self._closing: QueuedTransport | None = None

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return self._frames.unsent

    def put(self, message: EncodedMessage) -> None:
        """Send a message; lost if the connection has just ended."""
        self._frames.write(message.frame)

    def close(self, code: int, reason: str) -> None:
        """Send a close frame after the messages."""
        self._closing = QueuedTransport(self._send, self._on_failure)
        self._closing.close(code, reason)

    def release(self) -> None:
        """Drop the reference to ``on_failure``; failures are no longer reported."""
        self._on_failure = lambda: None
        if self._closing is not None:
            self._closing.release()

    def clear(self) -> None:
        """Do nothing: what was written cannot be taken back, the server drops it at the end."""

    async def flush(self) -> None:
        """Wait until the close frame is written, if there is one."""
        if self._closing is not None:
            await self._closing.flush()
