"""A worker slot: a listening socket and the process that serves on it now."""

import asyncio
import logging
import socket
from dataclasses import dataclass
from enum import IntEnum

from .worker_process import Command, WorkerProcess, describe

logger = logging.getLogger("realtime.servers.parent")


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorTimeouts:
    """How long a supervisor waits for its workers, in seconds, and how often it retries."""

    start: float = 60.0  # from the start of a process until it accepts connections
    drain: float = 10.0  # from the start of the drain until it is killed
    tick: float = 5.0  # without a tick: the worker counts as stuck
    misses: int = 3  # times in a row that it counts as stuck, then it is killed: after 15 to 20 s
    steady: float = 10.0  # a worker that served for longer has not failed to start
    backoff: float = 0.5  # after the second failure in a row; doubled with every further one
    max_backoff: float = 5.0
    attempts: int = 6  # failures in a row, then WorkerFailed: after 7.5 s of backoff


class DrainResult(IntEnum):
    """How a drained process ended; the worst of several is the largest."""

    CLEAN = 0
    FAILED = 1  # by itself, but not with exit code 0
    KILLED = 2


class WorkerFailed(Exception):
    """A worker cannot be started or kept running; the text says which one and why."""


class WorkerSlot:
    """Keeps its socket served: replaces a process that dies or hangs, or on request.

    The socket stays open meanwhile, so connections that arrive between two processes wait in its
    queue until the next one accepts them.
    """

    def __init__(
        self,
        number: int,
        listener: socket.socket,
        command: Command,
        *,
        timeouts: SupervisorTimeouts,
    ) -> None:
        self.number = number
        self.listener = listener
        self._command = command
        self._timeouts = timeouts
        self._worker: WorkerProcess | None = None
        self._processes: set[WorkerProcess] = set()  # with those that start or drain
        self._failures = 0
        self._replacing = asyncio.Lock()

    @property
    def alive(self) -> bool:
        """False if the process has stopped ticking; true while it starts or is being replaced."""
        worker = self._worker
        if worker is None or worker.exit.done():
            return True
        return worker.ticked_within(self._timeouts.tick)

    async def start(self) -> None:
        """Start the first process. Raises WorkerFailed if that fails, without a retry."""
        try:
            self._worker = await self._launch()
        except _NotStarted as failure:
            raise WorkerFailed(f"worker {self.number} cannot start: {failure}") from None

    async def supervise(self) -> None:
        """Replace the process when it dies or hangs, until cancelled.

        Raises WorkerFailed after too many failures in a row.
        """
        while True:
            worker = self._worker
            assert worker is not None, "start() comes first"
            code = await self._watch(worker)
            async with self._replacing:
                if worker is self._worker:  # else it was replaced, and its end was expected
                    logger.error("%s ended: %s", self._name(worker), describe(code))
                    self._note_failure(worker.seconds_served)
                    await self._restart()

    async def _watch(self, worker: WorkerProcess) -> int:
        """Wait for its exit code; kill it if it hangs.

        Missed ticks are counted, not seconds: all processes may have been frozen together.
        """
        missed = 0
        while not (await asyncio.wait({worker.exit}, timeout=self._timeouts.tick))[0]:
            missed = 0 if worker.ticked_within(self._timeouts.tick) else missed + 1
            if missed == self._timeouts.misses:
                logger.error("%s stands still: killed", self._name(worker))
                worker.kill()
        return worker.exit.result()

    async def replace(self) -> str:
        """Start a new process; the old one drains once the new one serves beside it.

        Returns why the new one cannot start, in which case the old one stays; otherwise "".
        """
        async with self._replacing:
            old = self._worker
            try:
                self._worker = await self._launch()
            except _NotStarted as failure:
                return f"worker {self.number} cannot be replaced: {failure}"
            self._failures = 0
        if old is not None:
            await self._drain(old, replaced=True)
        return ""

    async def drain(self) -> DrainResult:
        """Drain every process of this slot."""
        ends = [self._drain(worker) for worker in tuple(self._processes)]
        return max(await asyncio.gather(*ends), default=DrainResult.CLEAN)

    def kill(self) -> None:
        """Kill every process of this slot."""
        for worker in self._processes:
            worker.kill()

    # Starting

    async def _restart(self) -> None:
        while True:
            await asyncio.sleep(self._backoff())
            try:
                self._worker = await self._launch()
            except _NotStarted as failure:
                logger.error("worker %d cannot start: %s", self.number, failure)
                self._note_failure(0.0)
            else:
                return

    def _note_failure(self, served: float) -> None:
        self._failures = 1 if served > self._timeouts.steady else self._failures + 1
        if self._failures == self._timeouts.attempts:
            raise WorkerFailed(f"worker {self.number} failed {self._failures} times in a row")

    def _backoff(self) -> float:
        """Seconds until the next attempt: 0 before the first."""
        if self._failures == 1:
            return 0.0
        doubled: float = self._timeouts.backoff * 2 ** (self._failures - 2)
        return min(doubled, self._timeouts.max_backoff)

    async def _launch(self) -> WorkerProcess:
        """Start a process and wait until it accepts connections. Raises _NotStarted."""
        try:
            worker = await WorkerProcess.start(self._command, self.listener)
        except OSError as error:
            raise _NotStarted(error.strerror) from None
        self._processes.add(worker)
        worker.exit.add_done_callback(lambda _: self._processes.discard(worker))
        logger.info("%s started", self._name(worker))
        if not await worker.wait_ready(self._timeouts.start):
            raise _NotStarted(await self._discard(worker))
        return worker

    async def _discard(self, worker: WorkerProcess) -> str:
        late = not worker.exit.done()
        worker.kill()
        code = await asyncio.shield(worker.exit)
        return f"not ready within {self._timeouts.start:g} s" if late else describe(code)

    async def _drain(self, worker: WorkerProcess, *, replaced: bool = False) -> DrainResult:
        was_ready = worker.ready  # read first: drain() terminates a process that is not ready
        worker.drain(replaced=replaced)
        done, _ = await asyncio.wait({worker.exit}, timeout=self._timeouts.drain)
        if not done:
            logger.error("%s did not end in time: killed", self._name(worker))
            worker.kill()
            await asyncio.wait({worker.exit})
            return DrainResult.KILLED
        if worker.exit.result() == 0 or not was_ready:  # it had no clients
            return DrainResult.CLEAN
        logger.error("%s ended badly: %s", self._name(worker), describe(worker.exit.result()))
        return DrainResult.FAILED

    def _name(self, worker: WorkerProcess) -> str:
        return f"worker {self.number} (process {worker.pid})"


class _NotStarted(Exception):
    """A process did not become ready; the text says why."""
