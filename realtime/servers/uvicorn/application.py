"""The application as uvicorn calls it: HTTP answers are logged, and give others a turn."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ..common.access_log import access, log_access, peer_name

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class LoggedApplication:
    """Calls an ASGI application; each HTTP answer gets one line in the access log."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = yielding(send)
            if access.isEnabledFor(logging.INFO):
                send = LoggedAnswer(scope, send)
        await self._application(scope, receive, send)


def yielding(send: Send) -> Send:
    """Yield to the event loop after each piece of an answer: ``send`` may never have to wait."""

    async def send_and_yield(event: dict[str, Any]) -> None:
        await send(event)
        if event.get("more_body"):
            await asyncio.sleep(0)

    return send_and_yield


class LoggedAnswer:
    """The ``send`` of one answer; logs it when it is complete."""

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
