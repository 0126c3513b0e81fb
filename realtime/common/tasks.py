"""Tasks that outlive their caller, and awaiting code that others have written: a channel layer, an
application's handlers."""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


def start_task(work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Start a task that outlives its caller, in a context of its own.

    A task inherits its caller's context otherwise, and with it what is the caller's alone: the
    thread that asgiref keeps for the sync code of a request and gives up at its end, a span of
    tracing, the time limit of a handler.
    """
    return asyncio.create_task(work, name=name, context=Context())


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
