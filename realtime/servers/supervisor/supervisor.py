"""The parent of several workers: it starts, watches, replaces and ends them, and serves nobody.

    listeners = listen_shared("127.0.0.1", 8000, count=2)
    Parent(listeners, command, patience=Patience(), notifier=Notifier(), listening=print).run()

Each worker has a listening socket of its own on the same port, between which the kernel
spreads connections; the parent never closes one while a worker is expected on it.
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
from .worker_slot import SupervisorExit, SupervisorTimeouts, WorkerSlot

logger = logging.getLogger("realtime.servers.parent")

ENDINGS = (signal.SIGTERM, signal.SIGINT)


class Stragglers(Exception):
    """Asked to end, but not every worker was gone in time."""


class Undrained(Exception):
    """Asked to end, and every worker has, but the drain of one has failed."""


class ProcessSupervisor:
    """As many workers as there are listeners, numbered from 1.

    ``command`` makes the command line of worker N; ``listening`` gets host and port once
    all accept connections. To be run once, in the main thread.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        command: Callable[[int, int, int], Sequence[str]],
        *,
        patience: SupervisorTimeouts,
        notifier: Notifier,
        listening: Callable[[str, int], object],
    ) -> None:
        self._listeners = listeners
        self._address = address_of(listeners[0])
        self._command = command
        self._patience = patience
        self._notifier = notifier
        self._listening = listening
        self._stopping = asyncio.Event()
        self._reload = asyncio.Event()
        self._places: list[WorkerSlot] = []

    def run(self) -> None:
        """Until SIGTERM or SIGINT and the end of all workers; SIGHUP renews them in turn.

        Raises GaveUp if one cannot be kept running, when the others have drained;
        Stragglers if one had to be killed at the end; Undrained if the drain of one has failed.
        """
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._catch_signals()
        self._places = [self._place(*numbered) for numbered in enumerate(self._listeners, 1)]
        # Often, so that a worker that hangs is replaced before the watchdog ends them all.
        feeder = WatchdogTask(
            self._notifier.alive, interval=self._notifier.watchdog / 4, alive=self._alive
        )
        feeder.start()
        try:
            await self._until_stopped()
        finally:
            await feeder.stop()
            ended = await self._end()
        if ended is SupervisorExit.KILLED:
            raise Stragglers("a worker did not end in time and was killed")
        if ended is SupervisorExit.BADLY:
            raise Undrained("the drain of a worker failed: see the log")

    def _place(self, number: int, listener: socket.socket) -> WorkerSlot:
        return WorkerSlot(number, listener, partial(self._command, number), patience=self._patience)

    def _alive(self) -> bool:
        return all(place.alive for place in self._places)

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
            await self._all_at_once(place.fill() for place in self._places)
            self._listening(*self._address)
            self._notifier.ready(self._status)
            await self._all_at_once([*(place.keep() for place in self._places), self._reloads()])
        except ExceptionGroup as group:  # others may have failed with it; one line is enough
            raise group.exceptions[0] from None

    async def _all_at_once(self, work: Iterable[Coroutine[Any, Any, None]]) -> None:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)

    async def _reloads(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            self._notifier.reloading("replacing the workers one after the other")
            problem = await self._renew_all()
            self._notifier.ready(problem or self._status)

    async def _renew_all(self) -> str:
        """Why it was broken off, with the workers that are left as they were; or ""."""
        for place in self._places:
            if problem := await place.renew():
                logger.error("reload given up: %s", problem)
                return f"reload given up: {problem}"
        logger.info("reloaded")
        return ""

    async def _end(self) -> SupervisorExit:
        self._notifier.stopping("draining")
        for listener in self._listeners:
            listener.close()  # from now on a worker that stops listening refuses connections
        return max(await asyncio.gather(*(place.end() for place in self._places)))

    @property
    def _status(self) -> str:
        host, port = self._address
        return f"{len(self._places)} workers on {url_host(host)}:{port}"

    # Signals

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in ENDINGS:
            loop.add_signal_handler(number, self._signalled, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)

    def _signalled(self, number: signal.Signals) -> None:
        if self._stopping.is_set():  # the second: everything ends here and now
            for place in self._places:
                place.kill()
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._stopping.set()
