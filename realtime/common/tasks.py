"""Awaiting code that others have written: a channel layer, an application's handlers."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class SpuriousCancellation(Exception):
    """An awaited call raised CancelledError although the caller was not cancelled."""


async def await_external(call: Awaitable[T]) -> T:
    """The result of a call that may await a task which others cancel, such as a shared one.

    Raises what it raises, and SpuriousCancellation where it raises CancelledError although this
    task was not cancelled: otherwise that would end this task silently.
    """
    try:
        return await call
    except asyncio.CancelledError:
        if current_task().cancelling():
            raise
        raise SpuriousCancellation("it was cancelled, though not from here") from None


def current_task() -> asyncio.Task[Any]:
    """The running task. Keep it in no local variable: a cancelled task refers to the frames that
    its exception has ended, so that would be a reference cycle."""
    task = asyncio.current_task()
    assert task is not None
    return task
