"""A small ASGI application under the real server, for tests: ``python -m tests.e2e.apps '{…}'``.

The argument gives host, port and limits as JSON. On standard output one JSON
object per line says what happens. The path of a WebSocket or request says what
the application is to do, a message what it is to do next.
"""

import asyncio
import json
import logging
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from django.utils.module_loading import import_string

from realtime.protocol.frames import encode_message
from realtime.servers.common.callbacks import LifecycleCallbacks
from realtime.servers.common.limits import ServerLimits
from realtime.servers.common.listeners import listen
from realtime.servers.common.process_exit import exit_within
from realtime.worker.connections import connection

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SERVERS = {
    "daphne": "realtime.servers.daphne.server.DaphneServer",
    "uvicorn": "realtime.servers.uvicorn.server.UvicornServer",
}

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
    if scope["path"] in ("/never", "/late"):
        await disconnected(receive)
        if scope["path"] == "/late":  # it was busy meanwhile
            await send({"type": "websocket.accept"})
        return
    if scope["path"] in DOERS:
        await do(scope, receive, send)
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


# Applications that begin at a first message; their result is an event at their end

PIECE = encode_message(bytes(10_000))
PIECES = 10_000  # of them: 100 MB


async def by_connection(frames: Any, receive: Receive, send: Send) -> dict[str, Any]:
    """Offer a lot as a hub does it: never waiting."""
    task = asyncio.current_task()
    assert task is not None
    limits = connection.FrameLimits(max_message_size=1000, rate=1000, burst=1000)
    line = connection.Connection(send, limits, drop=task.cancel, frames=frames)
    for number in range(PIECES):
        line.send_encoded(PIECE)
        if number % 10 == 0:
            await asyncio.sleep(0)
    await disconnected(receive)
    return {"ended": line.ended, "written": line.frames_out}


async def by_send(_frames: Any, receive: Receive, send: Send) -> dict[str, Any]:
    """Offer a lot as any application does it: awaiting ``send``."""
    sent = 0

    async def offer() -> None:
        nonlocal sent
        for _ in range(PIECES):
            await send({"type": "websocket.send", "bytes": PIECE.payload})
            sent += 1

    offering = asyncio.create_task(offer())
    await disconnected(receive)
    offering.cancel()
    await asyncio.wait([offering])
    return {"written": sent}


async def in_order(frames: Any, receive: Receive, send: Send) -> dict[str, Any]:
    """Numbers, by ``send`` and both ways of frames in turn; says when the kernel is ``full``,
    so that no client need read before."""
    at_once = refused = 0
    is_full = False
    for number in range(0, 21_000, 3):
        await send({"type": "websocket.send", "text": f"{number:0300}"})
        refused += not frames.write(encode_message(f"{number + 1:0300}").frame)
        last = encode_message(f"{number + 2:0300}").frame
        if frames.write_to_all([frames], last):
            refused += not frames.write(last)
            if not is_full:
                is_full = True
                say("full")
        else:
            at_once += 1
    await send({"type": "websocket.close", "code": 4000})
    closing = written(frames, "closing")
    await disconnected(receive)
    return {"at_once": at_once, "refused": refused, "closing": closing}


def written(frames: Any, text: str) -> bool:
    """Whether a frame can be sent without waiting, in either way."""
    frame = encode_message(text).frame
    return frames.write_to_all([frames], frame) == [] or frames.write(frame) is True


async def deaf(_frames: Any, _receive: Receive, _send: Send) -> dict[str, Any]:
    """Never take what arrives."""
    await asyncio.sleep(60)
    return {}


async def rated(frames: Any, receive: Receive, send: Send) -> dict[str, Any]:
    """Take messages at a limited rate, as the consumer does."""
    task = asyncio.current_task()
    assert task is not None
    limits = connection.FrameLimits(max_message_size=1000, rate=100, burst=200)
    line = connection.Connection(send, limits, drop=task.cancel, frames=frames)
    while (event := await receive())["type"] != "websocket.disconnect":
        if line.admit_frame(len(event["bytes"])):
            line.check_size(event["bytes"])
    return {"ended": line.ended, "taken": line.frames_in}


async def endless(_frames: Any, _receive: Receive, send: Send) -> dict[str, Any]:
    """Send on and on, even after the client has gone."""
    with suppress(OSError):  # what uvicorn says of the end; daphne says nothing
        while True:
            await send({"type": "websocket.send", "bytes": PIECE.payload})
    return {}


async def mirror(_frames: Any, receive: Receive, send: Send) -> dict[str, Any]:
    """Send everything back as it came."""
    while (event := await receive())["type"] != "websocket.disconnect":
        await send({**event, "type": "websocket.send"})
    return {}


DOERS = {
    "/mirror": mirror,
    "/connection": by_connection,
    "/send": by_send,
    "/order": in_order,
    "/rated": rated,
    "/deaf": deaf,
    "/endless": endless,
}


async def do(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    frames = scope["extensions"]["realtime.frames"]
    early = written(frames, "early")
    await send({"type": "websocket.accept"})
    if scope["path"] != "/mirror":
        await receive()
    details = await DOERS[scope["path"]](frames, receive, send)
    late = written(frames, "late")
    say("over", port=scope["client"][1], early=early, late=late, **details)


def break_checks(client: list[Any]) -> None:
    """Make checks of this connection's deadlines fail."""

    def fail(_now: float) -> None:
        raise RuntimeError("this check is broken")

    for protocol in servers[0].connected():
        if list(peer_of(protocol.transport)) == list(client):
            protocol.check_deadlines = fail
            say("broken")


def peer_of(transport: Any) -> tuple[str, int]:
    """Host and port; Twisted's transports and asyncio's differ."""
    if options.get("server") == "uvicorn":
        host, port = transport.get_extra_info("peername")
        return host, port
    peer = transport.getPeer()
    return peer.host, peer.port


async def request(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    first = await receive()
    say("request", path=scope["path"], origin=dict(scope["headers"]).get(b"origin", b"").decode())
    if scope["path"] == "/upload":
        await upload(first, receive)
    if scope["path"] == "/raise":
        raise RuntimeError("raised before an answer")
    if scope["path"] == "/slow":
        await asyncio.sleep(1.0)
    if scope["path"] == "/stuck":
        await asyncio.to_thread(time.sleep, 60.0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/half":
        raise RuntimeError("raised within an answer")
    if scope["path"] == "/endless":
        await pour(receive, send)
        return
    body = bytes(16_000_000) if scope["path"] == "/large" else b"ok"
    await send({"type": "http.response.body", "body": body})


async def upload(event: dict[str, Any], receive: Receive) -> None:
    """Take all of a body, as Django does it."""
    size = len(event["body"])
    while event["more_body"]:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        size += len(event["body"])
    say("uploaded", size=size)


async def pour(receive: Receive, send: Send) -> None:
    """Send an endless answer until the client has gone, as Django does."""
    piece = {"type": "http.response.body", "body": PIECE.payload, "more_body": True}

    async def pieces() -> None:
        while True:
            await send(piece)

    pouring = asyncio.create_task(pieces())
    while (await receive())["type"] != "http.disconnect":
        pass
    pouring.cancel()
    await asyncio.wait([pouring])
    say("poured")


async def start() -> None:
    say("start")
    if options.get("start") == "raise":
        raise RuntimeError("start failed")
    if options.get("start") == "hang":
        await asyncio.sleep(60)


async def begin_drain() -> None:
    say("begin_drain")


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


def replace_on_accept(server: Any) -> None:
    """A successor is there in the very moment in which uvicorn's server accepts a connection."""
    connection = server._build_protocol

    def replaced() -> Any:
        server.stop(replaced=True)
        return connection()

    server._build_protocol = replaced


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    try:
        listener = listen(options.get("host", "127.0.0.1"), options.get("port", 0))
    except OSError as error:
        say("taken", error=str(error))
        sys.exit(1)
    callbacks = LifecycleCallbacks(
        start=start,
        listening=lambda host, port: say("listening", host=host, port=port),
        begin_drain=begin_drain,
        drain=drain,
    )
    if "user_timeout_ms" in options:  # for tests that would wait for the real one
        value = options["user_timeout_ms"]
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, value)
    limits = ServerLimits(**options.get("limits", {}))
    server_class = import_string(SERVERS[options.get("server", "daphne")])
    server = server_class(application, listener, limits=limits, callbacks=callbacks)
    if options.get("replaced"):
        replace_on_accept(server)
    servers.append(server)
    server.run()
    say("end", applications=len(server.application_tasks()), connections=len(server.connected()))
    exit_within(0.25)


if __name__ == "__main__":
    main()
