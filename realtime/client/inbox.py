"""Items that wait for a reader, and the end of them."""

import asyncio
from collections import deque
from typing import Generic, Self, TypeVar

from .errors import Behind

T = TypeVar("T")

MAX_UNREAD = 1000


class Inbox(Generic[T]):
    """A queue with a bound: at ``limit`` unread items it ends, with Behind after the last."""

    def __init__(self, *, limit: float = MAX_UNREAD) -> None:
        self._limit = limit
        self._items: deque[T] = deque()
        self._news = asyncio.Event()
        self.error: BaseException | None = None  # of the end
        self.ended = False

    def put(self, item: T) -> None:
        """Add an item; nothing once the inbox has ended."""
        if self.ended:
            return
        if len(self._items) >= self._limit:
            self.end(Behind(f"expected a reader that leaves at most {self._limit} items unread"))
            return
        self._items.append(item)
        self._news.set()

    def end(self, error: BaseException | None = None) -> None:
        """Let the reader end after the unread items: with this error, or without one. The first
        end counts."""
        if self.ended:
            return
        self.ended, self.error = True, error
        self._news.set()

    def clear(self) -> None:
        """Drop the unread items."""
        self._items.clear()

    def raise_end(self) -> None:
        """Raise the error with which the inbox has ended, if it has ended with one."""
        if self.error is not None:
            raise self.error

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await self.next()

    async def next(self) -> T:
        """Await the next item. Raises the error of the end, or StopAsyncIteration without one."""
        while not self._items:
            if self.ended:
                self.raise_end()
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()
