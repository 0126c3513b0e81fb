"""systemd's notification protocol (sd_notify(3)): a service reports its state.

notifier = Notifier.take(os.environ)     # sends nothing without a service manager
notifier.ready("2 workers")
WatchdogTask(notifier.alive, ...)
"""

import logging
import os
import socket
import time
from collections.abc import Callable, MutableMapping

from ..common.listeners import url_host
from .watchdog import WatchdogTask

logger = logging.getLogger("realtime.servers.notify")


class Notifier:
    """Sends states to the service manager, if there is one. Never waits, never raises.

    ``address`` names a Unix datagram socket, "@" for the abstract namespace; "": there is no
    manager. The manager expects a sign of life every ``watchdog`` seconds; 0: it expects none.
    """

    def __init__(self, address: str = "", *, watchdog: float = 0.0) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog = watchdog

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> "Notifier":
        """The notifier that the environment describes. Removes its variables: they are not for
        processes that this one starts."""
        address = environ.pop("NOTIFY_SOCKET", "")
        microseconds = environ.pop("WATCHDOG_USEC", "0")
        meant = environ.pop("WATCHDOG_PID", str(os.getpid()))
        watched = meant == str(os.getpid()) and microseconds.isdecimal()
        return cls(address, watchdog=int(microseconds) / 1e6 if watched else 0.0)

    def ready(self, status: str) -> None:
        """Report a start, or the end of a reload."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self, status: str) -> None:
        """Report the start of a reload; ``ready`` reports its end."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}", f"STATUS={status}")

    def stopping(self, status: str) -> None:
        """Report the start of the drain."""
        self._send("STOPPING=1", f"STATUS={status}")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *fields: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto("\n".join(fields).encode(), socket.MSG_DONTWAIT, self._address)
        except OSError as error:
            logger.warning("could not tell the service manager %r: %s", fields, error)


class SingleProcess:
    """Reports to the service manager for a process that serves without a supervisor.

    ``listening(host, port)`` is called when connections are accepted.
    """

    def __init__(self, notifier: Notifier, *, listening: Callable[[str, int], object]) -> None:
        self._notifier = notifier
        self._listening = listening
        self._watchdog: WatchdogTask | None = None

    def start(self, *, alive: Callable[[], bool], drain: Callable[..., object]) -> None:
        """Feed the watchdog while ``alive()``, on the running loop. Signals start the drain."""
        interval = self._notifier.watchdog / 2
        self._watchdog = WatchdogTask(self._notifier.alive, interval=interval, alive=alive)
        self._watchdog.start()

    def ready(self, host: str, port: int) -> None:
        self._listening(host, port)
        self._notifier.ready(f"serving on {url_host(host)}:{port}")

    def draining(self) -> None:
        self._notifier.stopping("draining")

    async def stop(self) -> None:
        if self._watchdog is not None:
            await self._watchdog.stop()
