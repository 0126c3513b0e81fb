"""Two ways out of a connection: straight onto the wire, or through a bounded outbox."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from realtime.protocol.frames import Encoded

Event = dict[str, Any]
Send = Callable[[Event], Awaitable[None]]

logger = logging.getLogger("realtime.connection")


class FrameWriter(Protocol):
    """The ASGI extension ``realtime.frames``, as our servers offer it."""

    @property
    def open(self) -> bool:
        """Whether ``write`` would send."""

    @property
    def unsent(self) -> int:
        """Bytes accepted and not yet taken by the kernel."""

    def write(self, frame: bytes) -> bool:
        """Send a whole frame without waiting; False on a connection that is not open."""

    @staticmethod
    def write_to_all(targets: Iterable[Any], frame: bytes) -> Sequence[int]:
        """Send it to all of these for whom it need not wait; the numbers of the others."""


class QueuedTransport:
    """Events in their order, for servers whose ``send`` may wait.

    A writer task exists only while there is something to write. ``failed`` is called
    when the server refused an event: nothing more can be said there.
    """

    def __init__(self, send: Send, failed: Callable[[], object]) -> None:
        self._send = send
        self._failed = failed
        self._events: deque[Event] = deque()
        self._writer: asyncio.Task[None] | None = None
        self.unsent = 0

    def put(self, message: Encoded) -> None:
        """Send a message."""
        kind = "text" if isinstance(message.payload, str) else "bytes"
        self._put({"type": "websocket.send", kind: message.payload})

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, after the rest."""
        self._put({"type": "websocket.close", "code": code, "reason": reason})

    def over(self) -> None:
        """Nobody is left to hear of a failure; whom it would be told, is forgotten."""
        self._failed = _nothing

    def clear(self) -> None:
        """Forget what waits: it is lost, so it is not unsent, and no consumer is slow."""
        self._events.clear()
        self.unsent = 0

    async def flush(self) -> None:
        """Wait until nothing waits here, or the transport has failed."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    def _put(self, event: Event) -> None:
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
            self._failed()


def _nothing() -> None:
    """Nobody has to know."""


def _size(event: Event) -> int:
    return len(event.get("text") or event.get("bytes") or b"")


class DirectTransport:
    """Frames go to the transport at once; it keeps what a peer does not read.

    Only the close goes through ``send``, by an outbox that is made for it.
    """

    def __init__(self, frames: FrameWriter, send: Send, failed: Callable[[], object]) -> None:
        self._frames = frames
        self._send = send
        self._failed = failed
        self._last: QueuedTransport | None = None

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return self._frames.unsent

    def put(self, message: Encoded) -> None:
        """Send a message; lost on a connection that has ended without our knowing yet."""
        self._frames.write(message.frame)

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, after the rest."""
        self._last = QueuedTransport(self._send, self._failed)
        self._last.close(code, reason)

    def over(self) -> None:
        """Nobody is left to hear of a failure; whom it would be told, is forgotten."""
        self._failed = _nothing
        if self._last is not None:
            self._last.over()

    def clear(self) -> None:
        """What was written cannot be taken back; the server drops it with the transport."""

    async def flush(self) -> None:
        """Wait until the close frame is written, too."""
        if self._last is not None:
            await self._last.flush()
