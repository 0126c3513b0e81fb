"""Tasks that run calls of the ASGI application: their errors, and their end."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

logger = logging.getLogger("realtime.servers.serving")


def error_of(task: asyncio.Future[Any]) -> BaseException | None:
    """The exception of a finished task, CancelledError included."""
    return asyncio.CancelledError() if task.cancelled() else task.exception()


def log_failure(task: asyncio.Task[None]) -> BaseException | None:
    """Return the exception of a finished application task; log it unless it was cancelled."""
    error = error_of(task)
    if error is not None and not task.cancelled():
        logger.error("Exception inside application: %s", error, exc_info=error)
    return error


def cancel_overdue(task: asyncio.Task[None]) -> None:
    """Cancel an application that has not ended in time after its disconnect, and log that."""
    logger.warning("%r did not end after its disconnect: cancelled", task)
    task.cancel()


async def cancel_all(tasks: Iterable[asyncio.Future[Any]], timeout: float) -> None:  # noqa: ASYNC109
    """Cancel these and wait at most ``timeout`` seconds: a task may refuse to end."""
    pending = set(tasks)
    for task in pending:
        task.cancel()
    if pending:
        _, stubborn = await asyncio.wait(pending, timeout=timeout)
        for task in stubborn:
            logger.error("did not end when cancelled: %r", task)
