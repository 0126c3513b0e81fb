"""Uvicorn, tamed: the same limits, pings and drain as the other servers here.

    listener = listen("127.0.0.1", 8000)      # OSError here when the port is taken
    Server(application, listener, limits=Limits(), lifecycle=Lifecycle()).run()

``run`` returns after SIGTERM or SIGINT and a drain. Left alone, uvicorn waits for
ever for a client that does not read. ASGI's lifespan is not used: ``lifecycle`` says
what is to be called.
"""

import asyncio
import email.utils
import socket
import time
from collections.abc import Collection
from typing import Any

from uvicorn.server import ServerState

from ..common.base import BACKLOG, Lifecycle, ServerLimits
from ..common.lifecycle import ServedConnection, ServerLifecycle
from .config import Config
from .http import HTTP
from .websocket import UvicornWebSocket

AT_ONCE = 64  # accepted in one turn of the event loop; the rest waits in the kernel


class UvicornServer(ServerLifecycle):
    """One worker on one listening socket, on an event loop of its own.

    To be run once, in the main thread. ``application`` is ASGI; ``run`` raises
    what ``lifecycle.start`` raises.
    """

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        *,
        limits: ServerLimits | None = None,
        lifecycle: Lifecycle | None = None,
    ) -> None:
        super().__init__(listener, limits or ServerLimits(), lifecycle or Lifecycle())
        self.state = ServerState()
        self.config = Config(self, application, http=HTTP, websocket=UvicornWebSocket)
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

    async def _accept(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            self._connection, sock=self.listener, backlog=AT_ONCE
        )
        self.listener.listen(BACKLOG)  # asyncio has one number for both

    def _connection(self) -> HTTP:
        return HTTP(config=self.config, server_state=self.state, app_state={})

    def _refuse_new(self) -> None:
        if self._server is None:
            return
        # Whom asyncio has accepted in this turn it drops without a word if its server is closed
        # before the next.
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.listener)
        loop.call_soon(self._server.close)
        self._server = None

    def connected(self) -> Collection[ServedConnection]:
        """Uvicorn's own set: it holds each connection's present protocol."""
        connections: Collection[Any] = self.state.connections
        return connections

    def applications(self) -> set[asyncio.Task[None]]:
        """The calls of the application that have not ended."""
        return self.state.tasks

    def tick(self) -> None:
        """The headers of every answer, for the next second."""
        date = email.utils.formatdate(time.time(), usegmt=True)  # a date for people
        self.state.default_headers = [(b"date", date.encode())]
