"""``manage.py serve``: the ASGI application, run the way it ought to be run."""

import argparse
import errno
import socket
from typing import Any

from channels.routing import get_default_application
from django.core.management.base import BaseCommand, CommandError

from realtime.conf import settings
from realtime.servers.base import Lifecycle, Limits, exit_within, listen, url_host
from realtime.servers.daphne import Server
from realtime.worker import runtime

# After the drain, for threads that are busy with a view nobody waits for.
EXIT_TIMEOUT = 0.25


class Command(BaseCommand):
    help = (
        "Serves the ASGI application: pings, limits, and on SIGTERM or Ctrl-C a goodbye to every "
        "client. A second signal ends the process at once."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._worker: runtime.Runtime | None = None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", default=8000, type=port, help="0: a free one is chosen")

    def handle(self, *_: Any, **options: Any) -> None:
        application = get_default_application()
        listener = open_listener(options["host"], options["port"])
        Server(application, listener, limits=limits(), lifecycle=self._lifecycle()).run()
        exit_within(EXIT_TIMEOUT)

    def _lifecycle(self) -> Lifecycle:
        return Lifecycle(
            start=self._start,
            listening=self._say_where,
            begin_drain=self._begin_drain,
            drain=self._drain,
        )

    async def _start(self) -> None:
        self._worker = await runtime.start()

    def _say_where(self, host: str, port: int) -> None:
        self.stdout.write(f"Serving on http://{url_host(host)}:{port}/ (Ctrl-C to stop)")
        self.stdout.flush()

    def _begin_drain(self) -> None:
        if self._worker is not None:  # else the signal came before the start
            self._worker.begin_drain()

    async def _drain(self) -> None:
        if self._worker is not None:
            await self._worker.drain()


def port(text: str) -> int:
    """A port number for argparse, which names the argument in its complaint."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not between 0 and 65535")
    return number


def open_listener(host: str, port: int) -> socket.socket:
    """The listening socket; what hinders it is said in one line. Raises CommandError."""
    try:
        return listen(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise CommandError(f"cannot listen on {host}, port {port}: {error.strerror}") from None
        raise CommandError(
            f"port {port} on {host} is already in use; another one: --port N"
        ) from None


def limits() -> Limits:
    """The server's limits as the settings have them."""
    return Limits(
        max_message_size=settings.max_message_size,
        ping_interval=settings.protocol_ping_interval,
        ping_timeout=settings.protocol_ping_timeout,
        drain_delay=settings.drain_delay,
    )
