"""Awaiting code that others have written: a channel layer, an application's handlers."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class SpuriousCancellation(Exception):
    """An awaited call raised CancelledError although the caller was not cancelled."""


async def await_external(call: Awaitable[T]) -> T:
    """The result of a call that may await a task which others cancel, such as a shared one.

    Raises what it raises, and SpuriousCancellation where it raises CancelledError although this
    task was not cancelled: otherwise that would end this task silently.
    """
    task = asyncio.current_task()
    assert task is not None
    try:
        return await call
    except asyncio.CancelledError:
        if task.cancelling():
            raise
        raise SpuriousCancellation("it was cancelled, though not from here") from None
