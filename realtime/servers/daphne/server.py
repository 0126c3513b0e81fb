"""Daphne with limits that hold, pings that work, and a drain.

    listener = listen("127.0.0.1", 8000)      # OSError here when the port is taken
    DaphneServer(application, listener).run()

``run`` returns after SIGTERM or SIGINT and a drain. Left alone, daphne answers
SIGTERM by dropping every connection without a close frame.
"""

import asyncio
import socket
import time
import warnings
from collections.abc import Collection
from functools import partial
from typing import Any

import daphne.server
from twisted.internet import reactor as installed_reactor
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    STDLibLogObserver,
    globalLogBeginner,
)

from .. import EXTENSION, FRAMES
from ..common.access_log import log_access
from ..common.application_tasks import log_failure
from ..common.callbacks import LifecycleCallbacks
from ..common.limits import SIZE_ALLOWANCE, ServerLimits
from .http import HTTPFactory, Request, original_headers
from .transport import Transport
from .websocket import DaphneWebSocket, WebSocketFactory, WebSocketServer

reactor: Any = installed_reactor
Protocol = Request | DaphneWebSocket


class DaphneServer(WebSocketServer, daphne.server.Server):
    """One worker on one listening socket, on the process's reactor.

    Run it once, in the main thread. ``application`` is ASGI; ``run`` raises what
    ``callbacks.start`` raises.
    """

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        *,
        limits: ServerLimits | None = None,
        callbacks: LifecycleCallbacks | None = None,
    ) -> None:
        WebSocketServer.__init__(
            self, listener, limits or ServerLimits(), callbacks or LifecycleCallbacks()
        )
        self.connections: dict[Protocol, dict[str, Any]] = {}
        self.transports: set[Transport] = set()
        self._port: Any = None
        endpoints = [f"{self.host}:{self.port}"]
        daphne.server.Server.__init__(
            self, application, endpoints=endpoints, action_logger=log_access
        )

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or ``stop``; then drain and return."""
        _log_through_logging()
        # Twisted's clock is the wall clock: a step of it would delay every
        # timeout, or fire all of them.
        reactor.seconds = time.monotonic
        self._build_factories()
        loop = reactor._asyncioEventloop
        asyncio.set_event_loop(loop)
        main = loop.create_task(self._main(), name="server")
        main.add_done_callback(lambda _: reactor.stop())
        reactor.run(installSignalHandlers=False)
        main.result()

    def _build_factories(self) -> None:
        size = self.limits.max_message_size + SIZE_ALLOWANCE
        self.http_factory = HTTPFactory(self)
        self.http_factory.timeOut = self.limits.idle_timeout
        self.ws_factory = WebSocketFactory(self, server=self.server_name)
        # Autobahn's own timeouts and pings are off: ``ServerWebSocket`` has both.
        self.ws_factory.setProtocolOptions(
            versions=[13],  # RFC 6455's; of the drafts' it would look for HIDDEN_ORIGIN
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            autoPingTimeout=0,
            maxMessagePayloadSize=size,
            maxFramePayloadSize=size,
        )

    # Connections

    async def _start_accepting(self) -> None:
        self._port = reactor.adoptStreamPort(
            self.listener.fileno(), self.listener.family, self.http_factory
        )
        self._port.transport = Transport  # Twisted's documented hook for another kind
        self.listener.close()  # the port has a duplicate

    def _stop_accepting(self) -> None:
        if self._port is not None:
            self._port.stopListening()

    def connected(self) -> Collection[Any]:
        """The protocol that each transport has now: HTTP or WebSocket."""
        return [transport.protocol for transport in self.transports]

    # Applications. Daphne's own loop visits all of them once a second, and one exception
    # there ends the loop; here a callback handles each as it ends.

    def protocol_connected(self, protocol: Protocol) -> None:
        if protocol in self.connections:
            raise RuntimeError(f"{protocol!r} was added twice")
        self.connections[protocol] = {"connected": time.monotonic()}

    def create_application(self, protocol: Protocol, scope: dict[str, Any]) -> Any:
        if protocol not in self.connections:
            return None
        queue: Any = asyncio.Queue()
        if isinstance(protocol, DaphneWebSocket):
            queue = protocol.receive_queue
            scope["scheme"] = "wss" if protocol.transport_details.is_secure else "ws"
            scope["extensions"] = {EXTENSION: {}, FRAMES: protocol.raw_frames}
            scope["headers"] = original_headers(scope["headers"])
        send = partial(self.handle_reply, protocol)
        scope["asgi"] = {"version": "3.0"}
        task = asyncio.ensure_future(self.application(scope, queue.get, send))
        self.connections[protocol]["application_instance"] = task
        task.add_done_callback(partial(self._application_ended, protocol))
        return queue

    async def handle_reply(self, protocol: Protocol, message: dict[str, Any]) -> None:
        # Daphne would buffer without a bound what a peer does not read.
        if message["type"] in ("websocket.send", "http.response.body"):
            await protocol.wait_writable()
        await super().handle_reply(protocol, message)
        if message.get("more_body"):
            await asyncio.sleep(0)  # else a fast peer, or a lost one, would hold up the others

    def _application_ended(self, protocol: Protocol, task: asyncio.Task[None]) -> None:
        details = self.connections[protocol]
        del details["application_instance"]
        error = log_failure(task)
        if "disconnected" in details:
            self._forget(protocol)
        else:
            protocol.application_ended(error)

    def protocol_disconnected(self, protocol: Protocol) -> None:
        details = self.connections.get(protocol)
        if details is None or "disconnected" in details:
            return
        details["disconnected"] = time.monotonic()
        task = details.get("application_instance")
        if task is None:
            self._forget(protocol)
        else:
            details["overdue"] = self.cancel_overdue(task)

    def _forget(self, protocol: Protocol) -> None:
        details = self.connections.pop(protocol)
        if "overdue" in details:
            details["overdue"].cancel()

    def application_tasks(self) -> set[asyncio.Task[None]]:
        tasks = (d.get("application_instance") for d in self.connections.values())
        return {task for task in tasks if task is not None}


def _log_through_logging() -> None:
    """Send Twisted's warnings and errors to ``logging``; daphne discards them.

    Of autobahn only errors: it warns of every peer that leaves without a close frame.
    """
    levels: Any = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    levels.setLogLevelForNamespace("autobahn", LogLevel.error)
    python: Any = STDLibLogObserver("twisted")
    observer: Any = FilteringLogObserver(python, [levels])
    show = warnings.showwarning
    globalLogBeginner.beginLoggingTo([observer], discardBuffer=True, redirectStandardIO=False)
    warnings.showwarning = show  # Twisted takes these over as well
