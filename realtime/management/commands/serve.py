"""``manage.py serve``: the ASGI application, run the way it ought to be run."""

import argparse
import errno
import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realtime.management.serving import SERVERS, serve, server_class
from realtime.servers.base import listen, url_host


class Command(BaseCommand):
    help = (
        "Serves the ASGI application: pings, limits, and on SIGTERM or Ctrl-C a goodbye to every "
        "client. A second signal ends the process at once."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", default=8000, type=port, help="0: a free one is chosen")
        parser.add_argument(
            "--server", default="daphne", choices=SERVERS, help="what serves (default: daphne)"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        server_class(options["server"])  # a missing package is said before anything is opened
        listener = open_listener(options["host"], options["port"])
        serve(listener, server=options["server"], listening=self._say_where)

    def _say_where(self, host: str, port: int) -> None:
        self.stdout.write(f"Serving on http://{url_host(host)}:{port}/ (Ctrl-C to stop)")
        self.stdout.flush()


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
