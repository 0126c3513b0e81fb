"""One process that serves the project's ASGI application; ``serve`` runs it."""

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

# Imported where it runs, since some need an extra
# and daphne's installs its event loop.
SERVERS = {
    "daphne": "realtime.servers.daphne.server.DaphneServer",
    "uvicorn": "realtime.servers.uvicorn.server.UvicornServer",
}

# After the drain, for threads that are busy with a view nobody waits for.
EXIT_TIMEOUT = 0.25


def server_class(name: str) -> Any:
    """The server of this name. Raises CommandError if it is not installed."""
    try:
        return import_string(SERVERS[name])
    except ImportError as error:
        raise CommandError(
            f"{name} cannot be used here ({error}): pip install 'channels-realtime[{name}]'"
        ) from None


class Exit(IntEnum):
    """How a server ends, besides 0 and the 1 of a command's error."""

    GAVE_UP = 3  # a worker could not be started, or not be kept running
    STRAGGLERS = 4  # asked to end; a worker did not in time, and was killed
    UNDRAINED = 5  # asked to end; the drain failed or was late: not everybody was told


class Supervisor(Protocol):
    """Who is told how this process fares: the service manager, or a parent."""

    def start(self, *, alive: Callable[[], bool], end: Callable[..., object]) -> None:
        """Begin, on the running loop. ``alive``: whether the worker ticks; ``end(replaced=…)``
        asks for the drain."""

    def ready(self, host: str, port: int) -> None:
        """Connections are accepted here."""

    def draining(self) -> None:
        """The end has begun."""

    async def stop(self) -> None:
        """The end has come."""


def serve(listener: socket.socket, *, server: str, overseer: Supervisor) -> None:
    """Serve on this socket until a signal, drain, and let the process end. Once per process.

    ``server`` is a key of SERVERS. Raises CommandError, with an Exit if the drain has failed, and
    what the worker's start raises.
    """
    life = WorkerLifecycle(overseer)
    kind, application = server_class(server), get_default_application()
    life.server = kind(application, listener, limits=limits(), callbacks=life.callbacks())
    life.server.run()
    code = Exit.UNDRAINED if life.server.drain_failed else 0
    exit_within(EXIT_TIMEOUT, code=code)
    if code:
        raise CommandError("the drain failed: see the log", returncode=code)


class WorkerLifecycle:
    """What the server calls from start to end: the worker's own start, drain and goodbye."""

    server: Any

    def __init__(self, overseer: Supervisor) -> None:
        self._overseer = overseer
        self._worker: Runtime | None = None

    def callbacks(self) -> LifecycleCallbacks:
        """The calls as a server wants them."""
        return LifecycleCallbacks(
            start=self._start,
            listening=self._overseer.ready,
            begin_drain=self._begin_drain,
            drain=self._drain,
            refused=lambda reason, words: refusals.current().record(Reason(reason), words),
        )

    async def _start(self) -> None:
        self._overseer.start(alive=self._alive, end=self.server.stop)
        try:
            self._worker = await instances.start()
        except ForeignStore as error:
            raise CommandError(str(error)) from None

    def _alive(self) -> bool:
        return self._worker is not None and self._worker.alive

    def _begin_drain(self) -> None:
        self._overseer.draining()
        if self._worker is not None:  # else the signal came before the start
            self._worker.begin_drain()

    async def _drain(self) -> None:
        try:
            if self._worker is not None:
                await self._worker.drain()
        finally:
            await self._overseer.stop()


def limits() -> ServerLimits:
    """The server's limits as the settings have them."""
    return ServerLimits(
        max_message_size=settings.max_message_size,
        ping_interval=settings.protocol_ping_interval,
        ping_timeout=settings.protocol_ping_timeout,
        drain_delay=settings.drain_delay,
    )
