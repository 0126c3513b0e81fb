"""``manage.py serve`` serves the ASGI application, with one process or several."""

import argparse
import errno
import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import connections

from realtime import composition
from realtime.common.threads import Threads
from realtime.servers.common.listeners import listen_shared, url_host
from realtime.servers.supervisor.systemd import Notifier, SingleProcess
from realtime.store.contract import StoreUnavailable, StoreUnusable

from ..serving import SERVERS, serve, server_class
from ..store_command import StoreCommand
from ..workers import WorkerArgs, run_supervisor, run_worker, usable_cpus, workers

CHECK_TIMEOUT = 5.0  # seconds for the store and the database before the first worker starts


class Command(StoreCommand):
    help = (
        "Serves the ASGI application: pings, limits, and on SIGTERM or Ctrl-C a goodbye to every "
        "client. A second signal ends the process at once."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", default=8000, type=port, help="port; 0 chooses a free one")
        parser.add_argument(
            "--server",
            default="daphne",
            choices=SERVERS,
            help="the server (default: daphne)",
        )
        parser.add_argument(
            "--workers",
            default=1,
            type=workers,
            metavar="N|auto",
            help="number of worker processes, which a supervisor restarts; auto: one per CPU; "
            "1, the default: one process without a supervisor",
        )
        parser.add_argument(
            "--pid-file",
            type=Path,
            metavar="PATH",
            help="file for the pid to signal",
        )
        parser.add_argument("--as-worker", type=WorkerArgs.parse, help=argparse.SUPPRESS)

    def handle(self, *_: Any, **options: Any) -> None:
        check_system()
        server_class(options["server"])  # fails early if a package is missing
        check_store()  # in a new worker, too: a reload may bring code that needs a migration
        if options["as_worker"]:
            run_worker(options["as_worker"], server=options["server"])
            return
        count = options["workers"] or usable_cpus()
        with ExitStack() as stack:
            listeners = open_listeners(options["host"], options["port"], count=count)
            for listener in listeners:
                stack.enter_context(listener)
            if options["pid_file"]:
                write_pid(options["pid_file"], until_exit_of=stack)
            self._serve(listeners, options)

    def _serve(self, listeners: list[socket.socket], options: dict[str, Any]) -> None:
        notifier = Notifier.take(os.environ)
        if options["workers"] == 1:
            supervisor = SingleProcess(notifier, listening=self._print_address)
            serve(listeners[0], server=options["server"], supervisor=supervisor)
        else:
            run_supervisor(listeners, notifier=notifier, listening=self._print_address)

    def _print_address(self, host: str, port: int) -> None:
        self.stdout.write(f"Serving on http://{url_host(host)}:{port}/ (Ctrl-C to stop)")
        self.stdout.flush()


def check_system() -> None:
    """Raises CommandError on Windows."""
    try:
        import fcntl  # noqa: F401
        import resource  # noqa: F401
    except ImportError:
        raise CommandError(
            "serve needs a POSIX system, such as Linux or macOS; "
            "to develop on this one use runserver"
        ) from None


def check_store() -> None:
    """Raises CommandError for another deployment's store, and if tables are missing."""
    # Not in this thread: a database may hang, and this thread needs no connection afterwards.
    checking = Threads(size=1, name="realtime-check").submit(_use_store)
    try:
        checking.result(CHECK_TIMEOUT)
    except (StoreUnusable, ImproperlyConfigured) as error:
        raise CommandError(str(error)) from None
    except (StoreUnavailable, TimeoutError):
        pass  # an outage: the workers log it, and check the owner once it is over


def _use_store() -> None:
    try:
        composition.blocking_store().own()
        composition.check_tables()
    finally:
        connections.close_all()


def port(text: str) -> int:
    """Parse a port number for argparse."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not between 0 and 65535")
    return number


def open_listeners(host: str, port: int, *, count: int) -> list[socket.socket]:
    """Listening sockets on one port. Raises CommandError with the cause in one line."""
    try:
        return listen_shared(host, port, count=count)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise CommandError(f"cannot listen on {host}, port {port}: {error.strerror}") from None
        raise CommandError(
            f"port {port} on {host} is already in use; another one: --port N"
        ) from None


def write_pid(path: Path, *, until_exit_of: ExitStack) -> None:
    """Keep this process's id in the file. Raises CommandError if another process does."""
    from realtime.servers.supervisor.pidfile import Unusable, pid_file  # not on Windows

    try:
        until_exit_of.enter_context(pid_file(path))
    except Unusable as error:
        raise CommandError(str(error)) from None
