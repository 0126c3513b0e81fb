"""The pair of sockets between a worker process and its supervisor; each message is one byte.

The worker sends READY once, then TICK every second while it is alive. The supervisor closes its
half to start the worker's drain, and its death has the same effect. So no worker outlives its
supervisor by more than a drain, and a signal that the service manager or a terminal sends to all
processes at once does not count twice.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

from .watchdog import WatchdogTask

READY, TICK = b"r", b"t"
# To the worker: drain without a delay, since a successor accepts connections already.
REPLACED = b"x"

TICK_INTERVAL = 1.0


class SupervisorPipe:
    """The worker's end. It takes over the inherited descriptor."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # the worker's own children must not hold it open
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._watchdog: WatchdogTask | None = None

    def start(self, *, alive: Callable[[], bool], drain: Callable[..., object]) -> None:
        """Tick while ``alive()``, on the running loop.

        ``drain(replaced=...)`` is called when the worker has to drain; ``replaced``: whether a
        successor accepts already.
        """
        self._drain = drain
        self._watchdog = WatchdogTask(lambda: self._send(TICK), interval=TICK_INTERVAL, alive=alive)
        self._watchdog.start()
        asyncio.get_running_loop().add_reader(self._socket, self._on_readable)

    def ready(self, _host: str, _port: int) -> None:
        self._send(READY)

    def draining(self) -> None:
        """Report nothing: the supervisor waits for the exit."""

    async def stop(self) -> None:
        if self._watchdog is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            await self._watchdog.stop()

    def _on_readable(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        try:
            message = self._socket.recv(1)
        except ConnectionResetError:  # the supervisor died with messages unread
            message = b""
        self._drain(replaced=message == REPLACED)

    def _send(self, message: bytes) -> None:
        # A supervisor that hangs misses a tick; its death is noticed by reading.
        with suppress(BlockingIOError, ConnectionError):
            self._socket.send(message)
