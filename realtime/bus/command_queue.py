"""The queue of commands from a process to its channel layer."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable

from realtime.common.tasks import await_external, start_task

from .counters import BusCounters

logger = logging.getLogger("realtime.hints")

MAX_COMMANDS = 100
COMMAND_TIMEOUT = 1.0  # seconds for one command
STOP_TIMEOUT = 0.3  # seconds for one that was cancelled

Command = Callable[[], Awaitable[object]]


async def call_with_timeout(call: Awaitable[object]) -> None:
    """Await a call of the channel layer for at most COMMAND_TIMEOUT seconds. Raises what
    :func:`await_external` raises, and TimeoutError; then the caller does not know whether the call
    took effect."""
    async with asyncio.timeout(COMMAND_TIMEOUT):
        await await_external(call)


class OutageLog:
    """Logs one warning when something begins to fail, and one when it works again: at the first
    success ``steady`` seconds or more after the last failure."""

    def __init__(self, what: str, *, steady: float = 0.0) -> None:
        self._what = what
        self._steady = steady
        self._since = self._failed_at = 0.0
        self.failures = 0  # in a row

    def on_failure(self, error: BaseException) -> None:
        """Count a failure; the first one is logged."""
        self._failed_at = time.monotonic()
        self.failures += 1
        if self.failures == 1:
            self._since = self._failed_at
            why = str(error) or type(error).__name__
            logger.warning("%s: %s; the next beats make up for them", self._what, why)

    def on_success(self) -> None:
        """End an outage, if there is one."""
        now = time.monotonic()
        if self.failures and now - self._failed_at >= self._steady:
            self.failures = 0
            logger.warning("%s: resolved after %.1f s", self._what, now - self._since)


class LayerCommandQueue:
    """Sends commands to a channel layer: in order, one at a time, from one task.

    Callers never wait for the layer. A layer that sends one command per round trip, such as
    Redis pub/sub, makes all callers wait behind one that hangs, so a command that takes longer
    than COMMAND_TIMEOUT is abandoned; it may have taken effect. At MAX_COMMANDS, and after a
    failure, a command is dropped: the next beats do what it would have caused sooner.
    """

    def __init__(self, counters: BusCounters) -> None:
        self._counters = counters
        self._waiting: deque[Command] = deque()
        self._task: asyncio.Task[None] | None = None
        self._outage = OutageLog("hints cannot be sent")

    @property
    def busy(self) -> bool:
        """Whether a command is under way."""
        return self._task is not None and not self._task.done()

    def put(self, command: Command) -> None:
        """Queue a command. Call it from the event loop in which the layer is used."""
        if len(self._waiting) >= MAX_COMMANDS:
            self._counters.commands_dropped += 1
            return
        self._waiting.append(command)
        if not self.busy:
            self._task = start_task(self._run(), name="realtime-layer-commands")

    async def flush(self, within: float) -> None:
        """Wait at most ``within`` seconds until the queue is empty."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=within)

    async def stop(self) -> None:
        """Drop what is queued and cancel what is under way."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_TIMEOUT)

    async def _run(self) -> None:
        while self._waiting:
            try:
                await call_with_timeout(self._waiting.popleft()())
            except Exception as error:  # a layer may raise anything; a hint may be lost
                self._counters.commands_dropped += 1
                self._outage.on_failure(error)
            else:
                self._counters.commands_sent += 1
                self._outage.on_success()
