"""Receives the messages of a worker's channel."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from realtime.common.tasks import await_external

from .command_queue import STOP_TIMEOUT, LayerCommandQueue, OutageLog
from .counters import BusCounters
from .hints import Hint, parse_message
from .publication_batches import PublicationBatch
from .signing import Signer

logger = logging.getLogger("realtime.hints")

# Pause after a failure to receive: one second, doubled each time up to half a minute.
FIRST_BACKOFF, MAX_DOUBLINGS = 1.0, 5
STEADY = 30.0

# Pause after an unreadable message: many of them must not keep this process busy.
UNREADABLE_PAUSE = 0.01

# A layer's own queue is read without a pause; other tasks run after this many messages.
SLICE = 16


class Listener:
    """Joins the group of all workers and reads the worker's channel, from one task.

    Nothing relies on it. A layer may forget its members, so call :meth:`join` from time to
    time. Messages that are neither a hint nor a signed batch are counted and have no other effect.
    """

    _on_hint: Callable[[Hint], object]
    _on_publication: Callable[[PublicationBatch], object]
    _on_restart: Callable[[], object]

    def __init__(
        self,
        layer: Any,
        group: str,
        commands: LayerCommandQueue,
        counters: BusCounters,
        signer: Signer,
    ) -> None:
        self._layer = layer
        self._group = group
        self._commands = commands
        self._counters = counters
        self._signer = signer
        self._channel = ""
        self._has_channel = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._outage = OutageLog("hints cannot be received", steady=STEADY)

    def start(
        self,
        *,
        on_hint: Callable[[Hint], object],
        on_publication: Callable[[PublicationBatch], object],
        on_restart: Callable[[], object],
    ) -> None:
        """Join the group and begin to receive, as soon as the layer allows it. A receive may raise
        or end; the listener then joins again and calls ``on_restart()``."""
        self._on_hint, self._on_publication = on_hint, on_publication
        self._on_restart = on_restart
        self.join()
        self._task = asyncio.create_task(self._listen(), name="realtime-listener")

    async def channel(self) -> str:
        """Wait until the channel exists and return its name."""
        await self._has_channel.wait()
        return self._channel

    def join(self) -> None:
        """Queue the command that joins the group; harmless if it is joined."""
        self._commands.put(self._join)

    async def _join(self) -> None:
        if not self._channel:
            self._channel = await self._layer.new_channel()
            self._has_channel.set()
        await self._layer.group_add(self._group, self._channel)

    def leave(self) -> None:
        """Queue the command that leaves the group."""
        self._commands.put(self._leave)

    async def _leave(self) -> None:
        if self._channel:
            await self._layer.group_discard(self._group, self._channel)

    async def stop(self) -> None:
        """Stop receiving."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_TIMEOUT)

    async def _listen(self) -> None:
        channel = await self.channel()
        while True:
            try:
                for _ in range(SLICE):
                    self._process(await await_external(self._layer.receive(channel)))
            except ValueError:  # the layer could not decode a message
                self._ignore()
                await asyncio.sleep(UNREADABLE_PAUSE)
            except Exception as error:  # a layer may raise anything; this task must go on
                self._outage.on_failure(error)
                doublings = min(self._outage.failures - 1, MAX_DOUBLINGS)
                await asyncio.sleep(FIRST_BACKOFF * 2**doublings)
                self.join()
                self._on_restart()
            else:
                await asyncio.sleep(0)

    def _process(self, raw: object) -> None:
        self._outage.on_success()
        message = parse_message(raw, self._signer)
        if message is None:
            self._ignore()
            return
        self._counters.messages_received += 1
        if isinstance(message, PublicationBatch):
            self._on_publication(message)
        else:
            self._on_hint(message)

    def _ignore(self) -> None:
        self._counters.messages_ignored += 1
        logger.debug("a message that is no hint was ignored")
