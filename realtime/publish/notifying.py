"""Notifies workers from sync code: server threads, WSGI, the shell, a task queue."""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from realtime import composition
from realtime.bus.announcer import Announcer
from realtime.bus.command_queue import LayerCommandQueue
from realtime.bus.counters import outside_workers
from realtime.bus.hints import Hint, HintKind, hints_for
from realtime.bus.node import leaves_process
from realtime.bus.publication_batches import PublicationBatch
from realtime.common.green_threads import is_eventlet_patched
from realtime.worker import instances

from .background_loop import background

# Seconds that a caller waits at most: until a hint is out, because the process may be about to
# end, and for each batch while more is published than the layer takes.
NOTIFY_TIMEOUT = 0.25

_command_queues: "WeakKeyDictionary[asyncio.AbstractEventLoop, LayerCommandQueue]" = (
    WeakKeyDictionary()
)


def notify(kind: HintKind, sessions: Iterable[str]) -> None:
    """Send all workers a hint about these sessions, through this process's own worker or else
    from the background loop. Waits at most NOTIFY_TIMEOUT, raises nothing if it fails."""
    for worker in instances.running():
        with suppress(RuntimeError):  # its loop was closed just now
            worker.loop.call_soon_threadsafe(worker.bus.notify, kind, sessions)
        return
    layer = composition.channel_layer()
    if leaves_process(layer) and not is_eventlet_patched() and (hints := hints_for(kind, sessions)):
        sending = asyncio.run_coroutine_threadsafe(_send(layer, hints), background.loop())
        with suppress(TimeoutError, CancelledError):
            sending.result(NOTIFY_TIMEOUT)


async def _send(layer: Any, hints: list[Hint]) -> None:
    loop = asyncio.get_running_loop()
    commands = _command_queues.setdefault(loop, LayerCommandQueue(outside_workers))
    was_busy = commands.busy  # a slow layer must not delay more than one caller
    for hint in hints:
        commands.put(partial(layer.group_send, composition.workers_group(), hint.message()))
    if not was_busy:
        await commands.flush(NOTIFY_TIMEOUT)


_latest: list[Announcer] = []  # at most one: that of the layer and the loop last used


def _announcer(layer: Any) -> Announcer:
    """Return the background loop's announcer; a new one after a fork or a stop."""
    loop = background.loop()
    if not _latest or not _latest[0].uses(layer, loop):
        group = composition.room_group
        _latest[:] = [Announcer(layer, composition.signer(), loop, outside_workers, group=group)]
    return _latest[0]


def announce(batches: Sequence[PublicationBatch]) -> None:
    """Pass on what was published, through this process's own worker or the background loop. Returns
    at once unless more is published than the channel layer takes; then it waits at most
    NOTIFY_TIMEOUT for each batch. The end of the process sends what is queued."""
    for worker in instances.running():
        with suppress(RuntimeError):  # its loop was closed just now
            worker.publisher.announce_from_thread(batches, timeout=NOTIFY_TIMEOUT)
        return
    layer = composition.channel_layer()
    if leaves_process(layer):
        announcer = _announcer(layer)
        with suppress(RuntimeError):  # the loop was closed just now, at the end of the process
            for batch in batches:
                announcer.announce(batch, timeout=NOTIFY_TIMEOUT)
