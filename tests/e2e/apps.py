"""A small ASGI application under the real server, for tests: ``python -m tests.e2e.apps '{…}'``.

The argument gives host, port and limits as JSON. On standard output one JSON
object per line says what happens. The path of a WebSocket or request says what
the application is to do, a message what it is to do next.
"""

import asyncio
import importlib
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from realtime.servers.base import Lifecycle, Limits, exit_within, listen

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

options: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
clients: dict[int, Send] = {}
servers: list[Any] = []


def say(event: str, **details: Any) -> None:
    print(json.dumps({"event": event, **details}), flush=True)  # noqa: T201


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    handle = websocket if scope["type"] == "websocket" else request
    await handle(scope, receive, send)


async def websocket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()
    say("connect", scheme=scope.get("scheme"), extensions=list(scope.get("extensions", ())))
    if scope["path"] == "/never":
        await disconnected(receive)
        return
    await send({"type": "websocket.accept", "subprotocol": subprotocol(scope)})
    if scope["path"] == "/broken":
        break_checks(scope["client"])
    if scope["path"] != "/unknown":
        clients[id(scope)] = send
    try:
        await converse(receive, send)
    finally:
        clients.pop(id(scope), None)


def subprotocol(scope: dict[str, Any]) -> str | None:
    return "not-offered" if scope["path"] == "/subprotocol" else None


async def disconnected(receive: Receive) -> None:
    while (event := await receive())["type"] != "websocket.disconnect":
        pass
    say("disconnect", code=event["code"], reason=event["reason"])


async def converse(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            say("disconnect", code=event["code"], reason=event["reason"])
            return
        text = event.get("text")
        if text is None:
            say("binary", size=len(event["bytes"]))
        elif not await obey(text, send):
            return


async def obey(text: str, send: Send) -> bool:
    """Do what a message says; False to return from the application."""
    word, _, rest = text.partition(" ")
    if word == "close":
        code, _, reason = rest.partition(" ")
        await send({"type": "websocket.close", "code": int(code), "reason": reason})
    elif word == "send":
        await send({"type": "websocket.send", "bytes": bytes(int(rest))})
        say("sent", size=int(rest))
    elif word == "raise":
        raise RuntimeError(rest)
    elif word == "linger":
        await asyncio.sleep(60)
    elif word != "return":
        await send({"type": "websocket.send", "text": text[:100]})
    return word != "return"


def break_checks(client: list[Any]) -> None:
    """Make looking at this connection's deadlines fail."""

    def fail(_now: float) -> None:
        raise RuntimeError("this check is broken")

    for connection in servers[0].connected():
        if list(peer_of(connection.transport)) == list(client):
            connection.check = fail
            say("broken")


def peer_of(transport: Any) -> tuple[str, int]:
    """Host and port; Twisted's transports and asyncio's differ."""
    if options.get("server") == "uvicorn":
        host, port = transport.get_extra_info("peername")
        return host, port
    peer = transport.getPeer()
    return peer.host, peer.port


async def request(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()
    say("request", path=scope["path"])
    if scope["path"] == "/raise":
        raise RuntimeError("raised before an answer")
    if scope["path"] == "/slow":
        await asyncio.sleep(1.0)
    if scope["path"] == "/stuck":
        await asyncio.to_thread(time.sleep, 60.0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/half":
        raise RuntimeError("raised within an answer")
    await send({"type": "http.response.body", "body": b"ok"})


async def start() -> None:
    say("start")
    if options.get("start") == "raise":
        raise RuntimeError("start failed")
    if options.get("start") == "hang":
        await asyncio.sleep(60)


async def drain() -> None:
    say("drain", clients=len(clients))
    if options.get("drain") == "raise":
        raise RuntimeError("drain failed")
    if options.get("drain") == "cancel":
        raise asyncio.CancelledError
    if options.get("drain") == "hang":
        await asyncio.sleep(60)
    for send in tuple(clients.values()):
        await send({"type": "websocket.close", "code": 1001, "reason": "server shutting down"})


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    try:
        listener = listen(options.get("host", "127.0.0.1"), options.get("port", 0))
    except OSError as error:
        say("taken", error=str(error))
        sys.exit(1)
    lifecycle = Lifecycle(
        start=start,
        listening=lambda host, port: say("listening", host=host, port=port),
        begin_drain=lambda: say("begin_drain"),
        drain=drain,
    )
    limits = Limits(**options.get("limits", {}))
    module = importlib.import_module(f"realtime.servers.{options.get('server', 'daphne')}")
    server = module.Server(application, listener, limits=limits, lifecycle=lifecycle)
    servers.append(server)
    server.run()
    say("end", applications=len(server.applications()), connections=len(server.connected()))
    exit_within(0.25)


if __name__ == "__main__":
    main()
