"""The workers of this process: one for each event loop, started by ``serve``, by a lifespan or by
the first connection, so that its id is made after the fork."""

import asyncio
import logging
import os
from contextlib import suppress
from functools import partial
from weakref import WeakKeyDictionary

from realtime import composition
from realtime.common.reactor import before_shutdown
from realtime.common.tasks import start_task

from .admission import refusals
from .runtime import Runtime

logger = logging.getLogger("realtime.worker")

_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Future[Runtime]] = (
    WeakKeyDictionary()
)


async def start() -> Runtime:
    """The running loop's worker, started if there is none.

    Raises what the start raises; the next call then tries again.
    """
    loop = asyncio.get_running_loop()
    starting = _by_loop.get(loop)
    if starting is None or _has_failed(starting):
        starting = _by_loop[loop] = start_task(_start(), name="realtime-start")
    return await asyncio.shield(starting)


def current() -> Runtime | None:
    """The running loop's worker, if it has started."""
    starting = _by_loop.get(asyncio.get_running_loop())
    if starting is None or not starting.done() or _has_failed(starting):
        return None
    return starting.result()


def running() -> list[Runtime]:
    """The workers of this process whose loops are open: none in a command, nor in a process that a
    server forked."""
    started = [each.result() for each in _by_loop.values() if each.done() and not _has_failed(each)]
    return [each for each in started if each.pid == os.getpid() and not each.loop.is_closed()]


async def can_start() -> bool:
    """Whether the running loop's worker can start; tries again if the start has failed."""
    starting = _by_loop.get(asyncio.get_running_loop())
    if starting is None or not _has_failed(starting):
        return True
    try:
        await start()
    except Exception:  # the caller of the failed start has it already
        return False
    return True


async def _start() -> Runtime:
    worker = Runtime(composition.build(), on_stop=_forget)
    try:
        await worker.start()
    except BaseException:
        with suppress(Exception):  # the cause of the failure may fail the stop, too
            await worker.stop()
        raise
    before_shutdown(partial(_end, worker))
    return worker


async def _end(worker: Runtime) -> None:
    """Drain a worker that its server leaves to itself."""
    if worker.closing:  # the server, or a lifespan, has seen to it
        return
    try:
        await worker.drain()
    except Exception:
        logger.exception("the worker's end failed")


def _has_failed(starting: "asyncio.Future[Runtime]") -> bool:
    return starting.done() and (starting.cancelled() or starting.exception() is not None)


def _forget() -> None:
    """Let the running loop have another worker; a failed start is kept, with its refusals."""
    loop = asyncio.get_running_loop()
    starting = _by_loop.get(loop)
    if starting is None or starting.done():
        refusals.reset()
        _by_loop.pop(loop, None)
