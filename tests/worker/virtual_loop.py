"""An event loop without waiting: its clock jumps to the next timer at once."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Everything is as it would be, and takes no time. For tests without real I/O.

    Fails when nothing would ever happen again.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return self.now

    def let_pass(self, seconds: float) -> None:
        """Let everything happen that happens in so many seconds."""
        self.run_until_complete(asyncio.sleep(seconds))


class _Impatient(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing would ever happen again"
        self._loop.now += max(timeout, 0.0)
        return super().select(0)


def run_virtually(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end; it must leave no task behind."""
    loop = VirtualLoop()
    try:
        loop.run_until_complete(main)
        assert not asyncio.all_tasks(loop)
    finally:
        loop.close()
