"""What ties a worker process to its parent: a pair of sockets, one byte per fact.

The worker says READY once, then TICK every second for as long as it ticks. The parent
ends its half when the worker is to drain, and that is what its death looks like too. So no
worker outlives its parent by more than a drain, and a signal that the service manager or a
terminal sends to all of them at once does not count twice.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

from .watchdog import WatchdogTask

READY, TICK = b"r", b"t"
# To the worker: drain, a successor accepts already, so nobody has to be warned first.
REPLACED = b"x"

TICK_INTERVAL = 1.0


class SupervisorPipe:
    """The worker's end, on an inherited descriptor, which is this object's from now on."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # whatever the worker starts must not hold it open
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._feeder: WatchdogTask | None = None

    def start(self, *, alive: Callable[[], bool], end: Callable[..., object]) -> None:
        """Begin to tick while ``alive``, on the running loop.

        ``end`` is called when the worker is to drain, with ``replaced``: whether a successor
        accepts already.
        """
        self._end = end
        self._feeder = WatchdogTask(lambda: self._say(TICK), interval=TICK_INTERVAL, alive=alive)
        self._feeder.start()
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def ready(self, _host: str, _port: int) -> None:
        """Connections are accepted."""
        self._say(READY)

    def draining(self) -> None:
        """Nothing that a parent has to know: it waits for the end."""

    async def stop(self) -> None:
        """Say and hear nothing more."""
        if self._feeder is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            await self._feeder.stop()

    def _hear(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        try:
            word = self._socket.recv(1)
        except ConnectionResetError:  # the parent died with something of ours unread
            word = b""
        self._end(replaced=word == REPLACED)

    def _say(self, word: bytes) -> None:
        # A parent that stands still misses a tick; that it is gone is heard, not said.
        with suppress(BlockingIOError, ConnectionError):
            self._socket.send(word)
