"""Waiting for a condition: the one way, with a deadline that fails the test.

``what`` is named when the deadline has passed; pass a function if it is to show the state of that
moment, such as a log.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TIMEOUT = 10.0  # seconds; many times what anything here takes on a busy machine


def eventually(probe: Callable[[], T | None], *, within: float = TIMEOUT, what: object = "") -> T:
    """Call ``probe()`` until it returns something true, and return that. Blocks the thread."""
    __tracebackhide__ = True
    deadline = time.monotonic() + within
    while not (value := probe()):
        assert time.monotonic() < deadline, _missing(within, what)
        time.sleep(0.01)
    return value


async def eventually_in_loop(
    probe: Callable[[], T | None], *, within: float = TIMEOUT, what: object = ""
) -> T:
    """The same while the other tasks of the loop run on; ``probe`` may use what is theirs."""
    __tracebackhide__ = True
    deadline = time.monotonic() + within
    while not (value := probe()):
        assert time.monotonic() < deadline, _missing(within, what)
        await asyncio.sleep(0.001)
    return value


async def eventually_in_thread(
    probe: Callable[[], T | None], *, within: float = TIMEOUT, what: object = ""
) -> T:
    """The same for a ``probe`` that blocks, such as a query; it is called in another thread."""
    return await asyncio.to_thread(eventually, probe, within=within, what=what)


def _missing(within: float, what: object) -> str:
    return f"not within {within:g} s: {what() if callable(what) else what}"
