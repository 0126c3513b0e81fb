"""Uvicorn's settings, and the application as uvicorn calls it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from ..common.base import SIZE_ALLOWANCE, access, log_access, peer_name
from ..common.lifecycle import ServerLifecycle

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Config(uvicorn.Config):
    """Uvicorn's settings, and for its protocols the way to their server."""

    def __init__(
        self, serving: ServerLifecycle, application: Any, *, http: type[Any], websocket: type[Any]
    ) -> None:
        self.serving = serving
        limits = serving.limits
        super().__init__(
            Application(application),
            interface="asgi3",
            lifespan="off",
            http=http,
            ws=websocket,
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
