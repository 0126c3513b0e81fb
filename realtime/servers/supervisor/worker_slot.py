"""One place for a worker: a listening socket and the process that serves on it now."""

import asyncio
import logging
import socket
from dataclasses import dataclass
from enum import IntEnum

from .worker_process import Command, WorkerProcess, describe

logger = logging.getLogger("realtime.servers.parent")


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorTimeouts:
    """How long a parent waits for its workers, in seconds, and how often it tries again."""

    start: float = 60.0  # from the start of a process until it accepts connections
    drain: float = 10.0  # from being asked to end until it is killed
    tick: float = 5.0  # without a tick until a worker counts as stuck
    misses: int = 3  # times in a row that it is found so, then it is killed: after 15 to 20 s
    steady: float = 10.0  # a worker that has served for so long has not failed to start
    backoff: float = 0.5  # after the second failure in a row; doubled with every further one
    longest_backoff: float = 5.0
    attempts: int = 6  # failures in a row, then the parent gives up: after 7.5 s of backoff


class SupervisorExit(IntEnum):
    """How a process ended that was asked to; the worst of several is the largest."""

    WELL = 0
    BADLY = 1  # by itself, but not with exit code 0
    KILLED = 2


class GaveUp(Exception):
    """A worker cannot be kept running; the text says which and why."""


class WorkerSlot:
    """Keeps its socket served: replaces a process that dies, hangs, or is to be renewed.

    The socket stays open whatever happens to processes, so connections that arrive in
    between wait in its queue, where another process finds them.
    """

    def __init__(
        self,
        number: int,
        listener: socket.socket,
        command: Command,
        *,
        patience: SupervisorTimeouts,
    ) -> None:
        self.number = number
        self.listener = listener
        self._command = command
        self._patience = patience
        self._child: WorkerProcess | None = None
        self._children: set[WorkerProcess] = set()  # with those that start or drain
        self._failures = 0
        self._filling = asyncio.Lock()

    @property
    def alive(self) -> bool:
        """False if the process has stopped ticking. One that starts or has ended is seen to."""
        child = self._child
        if child is None or child.exit.done():
            return True
        return child.ticked_within(self._patience.tick)

    async def fill(self) -> None:
        """The first start. Raises GaveUp: what cannot start now does not improve by itself."""
        try:
            self._child = await self._launch()
        except _Failed as failed:
            raise GaveUp(f"worker {self.number} cannot start: {failed}") from None

    async def keep(self) -> None:
        """Replace what dies or hangs, until cancelled.

        Raises GaveUp after too many failures in a row.
        """
        while True:
            child = self._child
            assert child is not None, "fill comes first"
            code = await self._watch(child)
            async with self._filling:
                if child is self._child:  # else it was replaced, and has ended as it should
                    logger.error("%s ended: %s", self._name(child), describe(code))
                    self._note_failure(child.served)
                    await self._refill()

    async def _watch(self, child: WorkerProcess) -> int:
        """Its exit code, awaited; one that stands still is killed.

        Looks are counted, not seconds: all processes may have been frozen together.
        """
        missed = 0
        while not (await asyncio.wait({child.exit}, timeout=self._patience.tick))[0]:
            missed = 0 if child.ticked_within(self._patience.tick) else missed + 1
            if missed == self._patience.misses:
                logger.error("%s stands still: killed", self._name(child))
                child.kill()
        return child.exit.result()

    async def renew(self) -> str:
        """Put a fresh process in; the old one drains once the new one serves beside it.

        Answers why the new one cannot start; then the old one goes on. Otherwise "".
        """
        async with self._filling:
            old = self._child
            try:
                self._child = await self._launch()
            except _Failed as failed:
                return f"worker {self.number} cannot be replaced: {failed}"
            self._failures = 0
        if old is not None:
            await self._end(old, replaced=True)
        return ""

    async def end(self) -> SupervisorExit:
        """Drain every process of this place."""
        ends = [self._end(child) for child in tuple(self._children)]
        return max(await asyncio.gather(*ends), default=SupervisorExit.WELL)

    def kill(self) -> None:
        """End them now."""
        for child in self._children:
            child.kill()

    # Starting

    async def _refill(self) -> None:
        while True:
            await asyncio.sleep(self._backoff())
            try:
                self._child = await self._launch()
            except _Failed as failed:
                logger.error("worker %d cannot start: %s", self.number, failed)
                self._note_failure(0.0)
            else:
                return

    def _note_failure(self, served: float) -> None:
        self._failures = 1 if served > self._patience.steady else self._failures + 1
        if self._failures == self._patience.attempts:
            raise GaveUp(f"worker {self.number} failed {self._failures} times in a row")

    def _backoff(self) -> float:
        """Nothing before the first attempt."""
        if self._failures == 1:
            return 0.0
        doubled: float = self._patience.backoff * 2 ** (self._failures - 2)
        return min(doubled, self._patience.longest_backoff)

    async def _launch(self) -> WorkerProcess:
        """A fresh process that accepts connections. Raises _Failed with the reason."""
        try:
            child = await WorkerProcess.start(self._command, self.listener)
        except OSError as error:
            raise _Failed(error.strerror) from None
        self._children.add(child)
        child.exit.add_done_callback(lambda _: self._children.discard(child))
        logger.info("%s started", self._name(child))
        if not await child.settled(self._patience.start):
            raise _Failed(await self._discard(child))
        return child

    async def _discard(self, child: WorkerProcess) -> str:
        late = not child.exit.done()
        child.kill()
        code = await asyncio.shield(child.exit)
        return f"not ready within {self._patience.start:g} s" if late else describe(code)

    async def _end(self, child: WorkerProcess, *, replaced: bool = False) -> SupervisorExit:
        begun = child.ready  # asked first: a signal ends one that has not begun
        child.drain(replaced=replaced)
        done, _ = await asyncio.wait({child.exit}, timeout=self._patience.drain)
        if not done:
            logger.error("%s did not end in time: killed", self._name(child))
            child.kill()
            await asyncio.wait({child.exit})
            return SupervisorExit.KILLED
        if child.exit.result() == 0 or not begun:  # it had no clients to say goodbye to
            return SupervisorExit.WELL
        logger.error("%s ended badly: %s", self._name(child), describe(child.exit.result()))
        return SupervisorExit.BADLY

    def _name(self, child: WorkerProcess) -> str:
        return f"worker {self.number} (process {child.pid})"


class _Failed(Exception):
    """A process was not ready in time, or not at all."""
