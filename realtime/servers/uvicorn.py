"""Uvicorn, tamed: the same limits, pings and drain as the other servers here.

    listener = listen("127.0.0.1", 8000)      # OSError here when the port is taken
    Server(application, listener, limits=Limits(), lifecycle=Lifecycle()).run()

``run`` returns after SIGTERM or SIGINT and a drain. Left alone, uvicorn waits for
ever for a client that does not read. ASGI's lifespan is not used: ``lifecycle`` says
what is to be called.
"""

import asyncio
import email.utils
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from realtime.servers.base import (
    BACKLOG,
    SIZE_ALLOWANCE,
    Lifecycle,
    Limits,
    access,
    log_access,
    peer_name,
)
from realtime.servers.serving import Connected, Serving
from realtime.servers.uvicorn_http import HTTP
from realtime.servers.uvicorn_protocols import WebSocket

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

AT_ONCE = 64  # accepted in one turn of the event loop; the rest waits in the kernel


class Server(Serving):
    """One worker on one listening socket, on an event loop of its own.

    To be run once, in the main thread. ``application`` is ASGI; ``run`` raises
    what ``lifecycle.start`` raises.
    """

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        *,
        limits: Limits | None = None,
        lifecycle: Lifecycle | None = None,
    ) -> None:
        super().__init__(listener, limits or Limits(), lifecycle or Lifecycle())
        self.state = ServerState()
        self.config = Config(self, application)
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

    def connected(self) -> Collection[Connected]:
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


class Config(uvicorn.Config):
    """Uvicorn's settings, and for its protocols the way to their server."""

    def __init__(self, serving: Server, application: Any) -> None:
        self.serving = serving
        limits = serving.limits
        super().__init__(
            Application(application),
            interface="asgi3",
            lifespan="off",
            http=HTTP,
            ws=WebSocket,
            ws_max_size=limits.max_message_size + SIZE_ALLOWANCE,
            ws_per_message_deflate=False,
            ws_ping_interval=None,  # ours are in deadlines
            timeout_keep_alive=round(limits.idle_timeout),
            proxy_headers=False,  # who is trusted is the application's to say
            # Its lines of INFO have the query string, which may be a secret.
            log_config=None,
            log_level="error",
            access_log=False,
        )


class Application:
    """The application, with one line in the log for every answer, and a turn for others in each."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = in_turns(send)
            if access.isEnabledFor(logging.INFO):
                send = Answer(scope, send)
        await self._application(scope, receive, send)


def in_turns(send: Send) -> Send:
    """Others have a turn between the pieces of an answer, which may never have to wait."""

    async def send_in_turns(event: dict[str, Any]) -> None:
        await send(event)
        if event.get("more_body"):
            await asyncio.sleep(0)

    return send_in_turns


class Answer:
    """The way out of one answer, which is logged when it is complete."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._began = time.monotonic()
        self._status = self._size = 0

    async def __call__(self, event: dict[str, Any]) -> None:
        self._status = event.get("status", self._status)
        self._size += len(event.get("body", b""))
        await self._send(event)
        if event["type"] == "http.response.body" and not event.get("more_body"):
            self._log()

    def _log(self) -> None:
        details = {
            "path": self._scope["path"],
            "method": self._scope["method"],
            "client": peer_name(self._scope["client"]),
            "status": self._status,
            "size": self._size,
            "time_taken": time.monotonic() - self._began,
        }
        log_access("http", "complete", details)
