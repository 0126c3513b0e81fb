"""The one line from a process to its channel layer."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable

from realtime.common.tasks import await_external

logger = logging.getLogger("realtime.hints")

MAX_WAITING = 100
PATIENCE = 1.0  # seconds for one command
STOP_PATIENCE = 0.3  # seconds for one that was cancelled

Command = Callable[[], Awaitable[object]]


async def call_with_timeout(call: Awaitable[object]) -> None:
    """Give the layer a command, for at most PATIENCE seconds. Raises like :func:`answer_of`,
    and TimeoutError; then it is unknown whether it took effect."""
    async with asyncio.timeout(PATIENCE):
        await await_external(call)


class OutageLog:
    """Says in the log, once per change, that something has failed, and that it works again.

    It works again once it does so ``steady`` seconds after the last failure.
    """

    def __init__(self, what: str, *, steady: float = 0.0) -> None:
        self._what = what
        self._steady = steady
        self._since = self._failed_at = 0.0
        self.failures = 0  # in a row

    def failed(self, error: BaseException) -> None:
        """It has failed."""
        self._failed_at = time.monotonic()
        self.failures += 1
        if self.failures == 1:
            self._since = self._failed_at
            why = str(error) or type(error).__name__
            logger.warning("%s: %s; what they would hurry comes with the beats", self._what, why)

    def worked(self) -> None:
        """It has worked."""
        now = time.monotonic()
        if self.failures and now - self._failed_at >= self._steady:
            self.failures = 0
            logger.warning("%s: no more, after %.1f s", self._what, now - self._since)


class LayerCommandQueue:
    """Gives commands to a channel layer: in order, one at a time, from one task.

    Nobody waits for a layer: a layer that sends one command per round trip, as that of
    Redis' pub/sub does, makes everybody wait behind one that hangs. A command that takes
    longer than PATIENCE is given up, and whether it took effect is unknown. At
    MAX_WAITING a new one is dropped: what it would have hurried comes with the beats.
    """

    def __init__(self) -> None:
        self._waiting: deque[Command] = deque()
        self._task: asyncio.Task[None] | None = None
        self._outage = OutageLog("hints cannot be sent")
        self.done = self.dropped = 0

    @property
    def busy(self) -> bool:
        """Whether a command is under way."""
        return self._task is not None and not self._task.done()

    def put(self, command: Command) -> None:
        """Queue a command, from the event loop that the layer is used in."""
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append(command)
        if not self.busy:
            self._task = asyncio.create_task(self._run(), name="realtime-line")

    async def settle(self, within: float) -> None:
        """Wait until nothing waits, but at most so many seconds."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=within)

    async def stop(self) -> None:
        """Drop what waits, and end what is under way."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_PATIENCE)

    async def _run(self) -> None:
        while self._waiting:
            try:
                await call_with_timeout(self._waiting.popleft()())
            except Exception as error:  # whatever a layer raises, it is only a hint
                self.dropped += 1
                self._outage.failed(error)
            else:
                self.done += 1
                self._outage.worked()
