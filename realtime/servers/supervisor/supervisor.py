"""The supervisor of several workers: it starts, watches, replaces and drains them, and accepts no
connections itself.

    listeners = listen_shared("127.0.0.1", 8000, count=2)
    ProcessSupervisor(
        listeners, command, timeouts=SupervisorTimeouts(), notifier=Notifier(), listening=print
    ).run()

Each worker has a listening socket of its own on the same port, among which the kernel
spreads connections; the supervisor keeps all of them open until the end.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any

from ..common.listeners import address_of, url_host
from .systemd import Notifier
from .watchdog import WatchdogTask
from .worker_slot import DrainResult, SupervisorTimeouts, WorkerSlot

logger = logging.getLogger("realtime.servers.parent")

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class WorkersKilled(Exception):
    """A worker did not end in time after a signal, and was killed."""


class DrainFailed(Exception):
    """All workers ended after a signal, but the drain of one failed."""


class ProcessSupervisor:
    """As many workers as there are listeners, numbered from 1.

    ``command(number, listener, pipe)`` returns the command line of a worker, which inherits both
    descriptors; ``listening(host, port)`` is called once all accept connections. Run it once, in
    the main thread.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        command: Callable[[int, int, int], Sequence[str]],
        *,
        timeouts: SupervisorTimeouts,
        notifier: Notifier,
        listening: Callable[[str, int], object],
    ) -> None:
        self._listeners = listeners
        self._address = address_of(listeners[0])
        self._command = command
        self._timeouts = timeouts
        self._notifier = notifier
        self._listening = listening
        self._stopping = asyncio.Event()
        self._reload = asyncio.Event()
        self._slots: list[WorkerSlot] = []

    def run(self) -> None:
        """Run until SIGTERM or SIGINT and the end of all workers; SIGHUP replaces them in turn.

        Raises, once all workers have ended: WorkerFailed if one could not be kept running,
        WorkersKilled if one had to be killed, DrainFailed if the drain of one failed.
        """
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._catch_signals()
        self._slots = [self._slot(*numbered) for numbered in enumerate(self._listeners, 1)]
        # Often, so that a worker that hangs is replaced before the service manager ends them all.
        watchdog = WatchdogTask(
            self._notifier.alive, interval=self._notifier.watchdog / 4, alive=self._alive
        )
        watchdog.start()
        try:
            await self._until_stopped()
        finally:
            await watchdog.stop()
            result = await self._drain()
        if result is DrainResult.KILLED:
            raise WorkersKilled("a worker did not end in time and was killed")
        if result is DrainResult.FAILED:
            raise DrainFailed("the drain of a worker failed: see the log")

    def _slot(self, number: int, listener: socket.socket) -> WorkerSlot:
        return WorkerSlot(number, listener, partial(self._command, number), timeouts=self._timeouts)

    def _alive(self) -> bool:
        return all(slot.alive for slot in self._slots)

    # From start to stop

    async def _until_stopped(self) -> None:
        serving = asyncio.create_task(self._serve(), name="serving")
        stopped = asyncio.create_task(self._stopping.wait(), name="stopped")
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (serving, stopped):
            task.cancel()
        await asyncio.wait({serving, stopped})
        if not serving.cancelled():
            serving.result()

    async def _serve(self) -> None:
        try:
            await self._run_together(slot.start() for slot in self._slots)
            self._listening(*self._address)
            self._notifier.ready(self._status)
            await self._run_together(
                [*(slot.supervise() for slot in self._slots), self._run_reloads()]
            )
        except ExceptionGroup as group:  # report one of several failures
            raise group.exceptions[0] from None

    async def _run_together(self, work: Iterable[Coroutine[Any, Any, None]]) -> None:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)

    async def _run_reloads(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            self._notifier.reloading("replacing the workers one after the other")
            problem = await self._replace_all()
            self._notifier.ready(problem or self._status)

    async def _replace_all(self) -> str:
        """Replace the workers in turn. Returns why the others were left as they are; or ""."""
        for slot in self._slots:
            if problem := await slot.replace():
                logger.error("reload given up: %s", problem)
                return f"reload given up: {problem}"
        logger.info("reloaded")
        return ""

    async def _drain(self) -> DrainResult:
        self._notifier.stopping("draining")
        for listener in self._listeners:
            listener.close()  # now the kernel refuses connections once a worker stops listening
        return max(await asyncio.gather(*(slot.drain() for slot in self._slots)))

    @property
    def _status(self) -> str:
        host, port = self._address
        return f"{len(self._slots)} workers on {url_host(host)}:{port}"

    # Signals

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stopping.is_set():  # the second signal kills
            for slot in self._slots:
                slot.kill()
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._stopping.set()
