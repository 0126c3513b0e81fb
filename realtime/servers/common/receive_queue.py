"""What has arrived on one WebSocket and waits for its application."""

import asyncio
from collections import deque
from typing import Any, Protocol

MAX_EVENTS = 64
MAX_BYTES = 256 * 1024

Event = dict[str, Any]


class PausableSource(Protocol):
    """Where the events come from."""

    def hold(self) -> None:
        """Deliver nothing more for now."""

    def go_on(self) -> None:
        """Deliver again."""


class ReceiveQueue:
    """A queue with one reader, the application. At its bound the source is held.

    After ``close`` messages are thrown away, so that the peer's close frame is reached.
    """

    __slots__ = ("_closed", "_events", "_source", "_waiter", "full", "size")

    def __init__(self, source: PausableSource) -> None:
        self._source: PausableSource | None = source
        self._events: deque[Event] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self.size = 0  # bytes of the messages that wait
        self.full = False

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
            self._hold()

    async def get(self) -> Event:
        """The next event, awaited. One task at a time."""
        while not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        event = self._events.popleft()
        self.size -= _size(event)
        if self.full and not self._events:
            self._release()
        return event

    def close(self) -> None:
        """From now on take only what is no message."""
        self._closed = True
        if self.full:
            self._release()

    def lost(self) -> None:
        """Nothing more can come: the source is forgotten, which would keep it and this alive."""
        self._source = None

    def _hold(self) -> None:
        if self._source is not None:
            self._source.hold()

    def _release(self) -> None:
        self.full = False
        if self._source is not None:
            self._source.go_on()


def _size(event: Event) -> int:
    return len(event.get("text") or event.get("bytes") or b"")
