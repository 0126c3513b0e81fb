"""Calls of what others have written: a channel layer, an application's handlers."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class SpuriousCancellation(Exception):
    """A call has ended as if it were cancelled, and nobody has cancelled it."""


async def await_external(call: Awaitable[T]) -> T:
    """What the call answers. Raises whatever it raises, but CancelledError only if somebody has
    cancelled the caller: who awaits what others have cancelled, as several may share a task,
    would else end the task that called, as quietly as if that were meant."""
    task = asyncio.current_task()
    assert task is not None
    try:
        return await call
    except asyncio.CancelledError:
        if task.cancelling():
            raise
        raise SpuriousCancellation("it was cancelled, though not from here") from None
