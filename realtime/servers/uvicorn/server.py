"""Uvicorn with the same limits, pings and drain as ``daphne.server``.

    listener = listen("127.0.0.1", 8000)      # OSError here when the port is taken
    UvicornServer(application, listener).run()

``run`` returns after SIGTERM or SIGINT and a drain. Left alone, uvicorn waits for
ever for a client that does not read. ``callbacks`` takes the place of ASGI's lifespan.
"""

import asyncio
import email.utils
import socket
import time
from collections.abc import Collection
from typing import Any

from uvicorn.server import ServerState

from ..common.callbacks import LifecycleCallbacks
from ..common.lifecycle import ServerLifecycle
from ..common.limits import ServerLimits
from ..common.listeners import BACKLOG
from ..common.types import ServedConnection
from .config import Config
from .http import UvicornHTTP
from .websocket import UvicornWebSocket

ACCEPTS_PER_TURN = 64  # of the event loop; the other connections wait in the kernel


class UvicornServer(ServerLifecycle):
    """One worker on one listening socket, on an event loop of its own. Run it once, in the main
    thread. ``application`` is ASGI; ``run`` raises what ``callbacks.start`` raises."""

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        *,
        limits: ServerLimits | None = None,
        callbacks: LifecycleCallbacks | None = None,
    ) -> None:
        super().__init__(listener, limits or ServerLimits(), callbacks or LifecycleCallbacks())
        self.state = ServerState()
        self.config = Config(self, application, http=UvicornHTTP, websocket=UvicornWebSocket)
        self._server: asyncio.Server | None = None

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or ``stop``; then drain and return."""
        self.config.load()
        loop = (self.config.get_loop_factory() or asyncio.new_event_loop)()
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._main())
        finally:
            loop.close()

    # Connections

    async def _start_accepting(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            self._build_protocol, sock=self.listener, backlog=ACCEPTS_PER_TURN
        )
        self.listener.listen(BACKLOG)  # asyncio has one argument for both numbers

    def _build_protocol(self) -> UvicornHTTP:
        return UvicornHTTP(config=self.config, server_state=self.state, app_state={})

    def _stop_accepting(self) -> None:
        if self._server is None:
            return
        # Close in the next turn: asyncio would drop the connections that it has accepted in
        # this one.
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.listener)
        loop.call_soon(self._server.close)
        self._server = None

    def connected(self) -> Collection[ServedConnection]:
        """Uvicorn's own set, which has each connection's present protocol."""
        connections: Collection[Any] = self.state.connections
        return connections

    def application_tasks(self) -> set[asyncio.Task[None]]:
        return self.state.tasks

    def on_tick(self) -> None:
        """Renew the Date header of all answers."""
        date = email.utils.formatdate(time.time(), usegmt=True)
        self.state.default_headers = [(b"date", date.encode())]
