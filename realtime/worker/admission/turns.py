"""So many at a time, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from realtime.store.contract import AtCapacity


class Limiter:
    """Lets ``size`` in at a time; the others wait, first come first served, for at most
    ``patience`` seconds."""

    def __init__(self, size: int, *, patience: float) -> None:
        self._free = asyncio.Semaphore(size)
        self._patience = patience

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Be one of them, inside. Raises AtCapacity if it takes too long to get there."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise AtCapacity("too many are waiting") from None
        try:
            yield
        finally:
            self._free.release()
