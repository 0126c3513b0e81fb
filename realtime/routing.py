"""ASGI routing: one call around Django's application adds connections, probes and lifespan."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import path, re_path

from realtime.consumers import RealtimeConsumer
from realtime.store.ownership import ForeignStore
from realtime.worker import instances

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def realtime_application(
    http: Application, *, consumer: type[RealtimeConsumer] = RealtimeConsumer
) -> Application:
    """The ASGI application of a project: ``http`` for pages, ``/ws/`` for connections,
    the probes, and a lifespan that starts and drains the worker where a server has one."""
    application: Application = ProtocolTypeRouter(
        {
            "http": with_probes(http),
            "websocket": websocket_application(consumer),
            "lifespan": lifespan,
        }
    )
    return application


def websocket_application(consumer: type[RealtimeConsumer] = RealtimeConsumer) -> Application:
    """``/ws/``, and a plain refusal for every other path."""
    nowhere: Any = refuse  # URL patterns are typed for views
    router = URLRouter([path("ws/", consumer.as_asgi()), re_path("", nowhere)])

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await router({**scope, "path_remaining": path_info(scope)}, receive, send)

    return application


def path_info(scope: Scope) -> str:
    """The path below FORCE_SCRIPT_NAME or the server's root path, as Django routes its pages.

    A proxy may have removed this prefix already.
    """
    prefix = (settings.FORCE_SCRIPT_NAME or scope.get("root_path") or "").rstrip("/") + "/"
    path: str = scope["path"]
    return "/" + path.removeprefix(prefix) if path.startswith(prefix) else path


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a handshake: HTTP 403, without a traceback in the log."""
    await receive()
    await send({"type": "websocket.close"})


def with_probes(http: Application) -> Application:
    """Answer ``/realtime/live/`` and ``/realtime/ready/`` before Django does.

    Probes use an address, not a name: neither ALLOWED_HOSTS nor middleware may stop them.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        probe = PROBES.get(path_info(scope))
        if probe is None:
            await http(scope, receive, send)
        else:
            await _answer(send, await probe())

    return application


async def _is_live() -> bool:
    return all(worker.alive for worker in instances.running())


async def _is_ready() -> bool:
    can_start = await instances.can_start()
    return can_start and all(worker.ready for worker in instances.running())


PROBES: dict[str, Callable[[], Awaitable[bool]]] = {
    "/realtime/live/": _is_live,
    "/realtime/ready/": _is_ready,
}


async def _answer(send: Send, good: bool) -> None:
    body = json.dumps({"status": "ok" if good else "unavailable"}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    status = 200 if good else 503
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Start the worker before the first connection, drain it after the last."""
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            try:
                await instances.start()
            except (ForeignStore, ImproperlyConfigured) as error:
                # Some servers take a raised exception for "no lifespan here".
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        else:
            try:
                await (await instances.start()).drain()
            except Exception as error:
                await send({"type": "lifespan.shutdown.failed", "message": repr(error)})
                raise
            await send({"type": "lifespan.shutdown.complete"})
            return
