"""systemd's notification protocol (sd_notify(3)): what a service says of itself.

notifier = Notifier.take(os.environ)     # says nothing where nobody listens
notifier.ready("2 workers")
Feeder(notifier.alive, ...)              # see ``watchdog``
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

    ``address`` is that of a Unix datagram socket, "@" for the abstract namespace; "" is
    nobody. ``watchdog`` is within how many seconds the manager wants a sign of life; 0: none.
    """

    def __init__(self, address: str = "", *, watchdog: float = 0.0) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog = watchdog

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> "Notifier":
        """The one that the environment names. Its variables are removed: they are not for
        the processes that this one starts."""
        address = environ.pop("NOTIFY_SOCKET", "")
        microseconds = environ.pop("WATCHDOG_USEC", "0")
        meant = environ.pop("WATCHDOG_PID", str(os.getpid()))
        watched = meant == str(os.getpid()) and microseconds.isdecimal()
        return cls(address, watchdog=int(microseconds) / 1e6 if watched else 0.0)

    def ready(self, status: str) -> None:
        """Started, or reloaded."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self, status: str) -> None:
        """A reload has begun; ``ready`` says that it is over."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}", f"STATUS={status}")

    def stopping(self, status: str) -> None:
        """The drain has begun."""
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
    """The service manager's view of a process that serves without a parent.

    ``listening`` gets host and port when connections are accepted.
    """

    def __init__(self, notifier: Notifier, *, listening: Callable[[str, int], object]) -> None:
        self._notifier = notifier
        self._listening = listening
        self._feeder: WatchdogTask | None = None

    def start(self, *, alive: Callable[[], bool], end: Callable[..., object]) -> None:
        """Feed the watchdog while ``alive``, on the running loop. ``end`` is left to signals."""
        interval = self._notifier.watchdog / 2
        self._feeder = WatchdogTask(self._notifier.alive, interval=interval, alive=alive)
        self._feeder.start()

    def ready(self, host: str, port: int) -> None:
        """Connections are accepted."""
        self._listening(host, port)
        self._notifier.ready(f"serving on {url_host(host)}:{port}")

    def draining(self) -> None:
        """The end has begun."""
        self._notifier.stopping("draining")

    async def stop(self) -> None:
        """The end has come."""
        if self._feeder is not None:
            await self._feeder.stop()
