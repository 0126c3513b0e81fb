"""Events of one WebSocket that wait for its application."""

import asyncio
from collections import deque
from typing import Any, Protocol

MAX_EVENTS = 64
MAX_BYTES = 256 * 1024

Event = dict[str, Any]


class PausableSource(Protocol):
    """The protocol that puts the events in."""

    def pause_reading(self) -> None:
        """Put in nothing more for now."""

    def resume_reading(self) -> None:
        """Put in again."""


class ReceiveQueue:
    """A queue with one reader, the application. It pauses its source at its bound.

    After ``close`` it drops messages, so that the peer's close frame is reached.
    """

    __slots__ = ("_closed", "_events", "_source", "_waiter", "disconnected", "full", "size")

    def __init__(self, source: PausableSource) -> None:
        self._source: PausableSource | None = source
        self._events: deque[Event] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self.size = 0  # bytes of the waiting messages
        self.full = False
        self.disconnected = False  # whether the disconnect event has been put

    def put_nowait(self, event: Event) -> None:
        """Add an event; the name is that of asyncio's queues."""
        if self._closed and event["type"] == "websocket.receive":
            return
        self._events.append(event)
        self.size += _size(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if not self.full and (len(self._events) >= MAX_EVENTS or self.size >= MAX_BYTES):
            self.full = True
            if self._source is not None:
                self._source.pause_reading()

    def put_disconnect(self, code: int, reason: str = "") -> None:
        """Add the disconnect event, unless it has been added."""
        if not self.disconnected:
            self.disconnected = True
            self.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    async def get(self) -> Event:
        """Wait for the next event. One task at a time."""
        while not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        event = self._events.popleft()
        self.size -= _size(event)
        if self.full and not self._events:
            self._resume()
        return event

    def close(self) -> None:
        """Drop messages from now on; other events still pass."""
        self._closed = True
        if self.full:
            self._resume()

    def detach(self) -> None:
        """Forget the source, which has ended: it and this queue would keep each other alive."""
        self._source = None

    def _resume(self) -> None:
        self.full = False
        if self._source is not None:
            self._source.resume_reading()


def _size(event: Event) -> int:
    return len(event.get("text") or event.get("bytes") or b"")
