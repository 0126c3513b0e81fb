"""One process that serves the project's ASGI application, for the command ``serve``."""

import socket
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Protocol

from channels.routing import get_default_application
from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from realtime.conf import settings
from realtime.servers.common.callbacks import LifecycleCallbacks
from realtime.servers.common.limits import ServerLimits
from realtime.servers.common.process_exit import exit_within
from realtime.store.ownership import ForeignStore
from realtime.worker import instances
from realtime.worker.admission import refusals
from realtime.worker.admission.refusals import Reason
from realtime.worker.runtime import Runtime

# Imported when it is used: uvicorn needs an extra, and daphne installs its event loop.
SERVERS = {
    "daphne": "realtime.servers.daphne.server.DaphneServer",
    "uvicorn": "realtime.servers.uvicorn.server.UvicornServer",
}

# Seconds after the drain for threads that are busy with views of lost clients.
EXIT_TIMEOUT = 0.25


def server_class(name: str) -> Any:
    """The server class for a key of SERVERS. Raises CommandError if it is not installed."""
    try:
        return import_string(SERVERS[name])
    except ImportError as error:
        raise CommandError(
            f"{name} cannot be used here ({error}): pip install 'channels-realtime[{name}]'"
        ) from None


class ExitCode(IntEnum):
    """Exit codes of ``serve``, besides 0 and the 1 of a command's error."""

    WORKER_FAILED = 3  # a worker could not be started or kept running
    WORKERS_KILLED = 4  # a worker did not end in time after a signal
    DRAIN_FAILED = 5  # the drain failed or was late: some clients got no goodbye


class Supervisor(Protocol):
    """Supervises this process and gets its state: the service manager, or our supervisor."""

    def start(self, *, alive: Callable[[], bool], drain: Callable[..., object]) -> None:
        """Begin, on the running loop. ``alive()``: whether the worker ticks;
        ``drain(replaced=...)`` starts the drain."""

    def ready(self, host: str, port: int) -> None:
        """Report that connections are accepted."""

    def draining(self) -> None:
        """Report that the drain has begun."""

    async def stop(self) -> None:
        """Stop reporting."""


def serve(listener: socket.socket, *, server: str, supervisor: Supervisor) -> None:
    """Serve on this socket until a signal, drain, and let the process end. Once per process.

    ``server`` is a key of SERVERS. Raises CommandError, with an ExitCode if the drain failed, and
    what the worker's start raises.
    """
    lifecycle = WorkerLifecycle(supervisor)
    make, application = server_class(server), get_default_application()
    lifecycle.server = make(application, listener, limits=limits(), callbacks=lifecycle.callbacks())
    lifecycle.server.run()
    code = ExitCode.DRAIN_FAILED if lifecycle.server.drain_failed else 0
    exit_within(EXIT_TIMEOUT, code=code)
    if code:
        raise CommandError("the drain failed: see the log", returncode=code)


class WorkerLifecycle:
    """Starts and drains the worker when the server does, and reports to the supervisor."""

    server: Any

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._worker: Runtime | None = None

    def callbacks(self) -> LifecycleCallbacks:
        """The callbacks for the server."""
        return LifecycleCallbacks(
            start=self._start,
            listening=self._supervisor.ready,
            begin_drain=self._begin_drain,
            drain=self._drain,
            refused=lambda reason, words: refusals.current().record(Reason(reason), words),
        )

    async def _start(self) -> None:
        self._supervisor.start(alive=self._alive, drain=self.server.stop)
        try:
            self._worker = await instances.start()
        except ForeignStore as error:
            raise CommandError(str(error)) from None

    def _alive(self) -> bool:
        return self._worker is not None and self._worker.alive

    async def _begin_drain(self) -> None:
        self._supervisor.draining()
        if self._worker is not None:  # None if the signal came before the start
            self._worker.draining = True

    async def _drain(self) -> None:
        try:
            if self._worker is not None:
                await self._worker.drain()
        finally:
            await self._supervisor.stop()


def limits() -> ServerLimits:
    """The server's limits, from the settings."""
    return ServerLimits(
        max_message_size=settings.max_message_size,
        ping_interval=settings.protocol_ping_interval,
        ping_timeout=settings.protocol_ping_timeout,
        drain_delay=settings.drain_delay,
    )
