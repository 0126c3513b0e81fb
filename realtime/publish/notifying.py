"""Hints from wherever sync code runs: a server's threads, WSGI, the shell, a task queue."""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from django.core.exceptions import ImproperlyConfigured

from realtime import composition
from realtime.bus.announcer import Announcer
from realtime.bus.command_queue import LayerCommandQueue
from realtime.bus.hints import Hint, HintKind, about
from realtime.bus.node import leaves_process
from realtime.bus.publication_batches import PublicationBatch
from realtime.common.green_threads import is_eventlets
from realtime.worker import runtime

from .background_loop import background

# A process may be about to end, so the caller waits until the hint is out, but no longer.
# Whoever publishes waits as long, and only while more is published than the layer takes.
MOMENT = 0.25

_lines: "WeakKeyDictionary[asyncio.AbstractEventLoop, LayerCommandQueue]" = WeakKeyDictionary()


def tell(kind: HintKind, sessions: Iterable[str]) -> None:
    """Tell all workers of these sessions, whatever becomes of it, within a MOMENT.

    Through this process's own worker if there is one, else from the background loop.
    """
    for worker in runtime.running():
        if worker.tell(kind, sessions):
            return
    layer = composition.channel_layer()
    if leaves_process(layer) and not is_eventlets() and (hints := about(kind, sessions)):
        sending = asyncio.run_coroutine_threadsafe(_send(layer, hints), background.loop())
        with suppress(TimeoutError, CancelledError):
            sending.result(MOMENT)


async def _send(layer: Any, hints: list[Hint]) -> None:
    line = _lines.setdefault(asyncio.get_running_loop(), LayerCommandQueue())
    late = line.busy  # another's hint is on its way or held up: nobody waits behind it
    for hint in hints:
        line.put(partial(layer.group_send, composition.workers_group(), hint.message()))
    if not late:
        await line.settle(MOMENT)


_latest: list[Announcer] = []  # at most one: that of the layer and the loop last used


def _announcer(layer: Any) -> Announcer:
    """The background loop's announcer: another one after a fork, or a stop."""
    loop = background.loop()
    if not _latest or not _latest[0].is_for(layer, loop):
        _latest[:] = [Announcer(layer, composition.signer(), loop, group=composition.room_group)]
    return _latest[0]


def check() -> None:
    """Raises ImproperlyConfigured where what is published cannot be announced."""
    if is_eventlets() and leaves_process(composition.channel_layer()):
        raise ImproperlyConfigured(
            "a process that eventlet has patched cannot publish through a channel layer: "
            "run it with gevent, threads or processes"
        )


def announce(bundles: Sequence[PublicationBatch]) -> None:
    """Tell everybody of what was published, this process's own worker first.

    Returns at once, unless more is published than the channel layer takes; then it waits, for
    each bundle at most a MOMENT. What is not out at the end of the process goes out then.
    """
    for worker in runtime.running():
        if worker.announce(bundles, patience=MOMENT):
            return
    layer = composition.channel_layer()
    if leaves_process(layer):
        announcer = _announcer(layer)
        with suppress(RuntimeError):  # the loop has just ended with the process
            for bundle in bundles:
                announcer.tell(bundle, patience=MOMENT)
