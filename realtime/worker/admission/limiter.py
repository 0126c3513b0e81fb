"""A semaphore with a timeout."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from realtime.store.contract import AtCapacity


class Limiter:
    """``size`` slots, first come first served after a wait of at most ``timeout`` seconds."""

    def __init__(self, size: int, *, timeout: float) -> None:
        self._free = asyncio.Semaphore(size)
        self._timeout = timeout

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the slots inside. Raises AtCapacity if none is free in time."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError:
            raise AtCapacity("too many are waiting") from None
        try:
            yield
        finally:
            self._free.release()
