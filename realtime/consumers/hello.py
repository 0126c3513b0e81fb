"""Waits for the ``hello`` of a connection that was accepted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from realtime.conf import settings
from realtime.protocol.codes import CloseCode, ErrorCode
from realtime.protocol.messages import BINARY, VERSION, Hello
from realtime.worker.connections.connection import Connection

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]


async def receive_hello(
    receive: Receive, connection: Connection, on_hello: Callable[[], None]
) -> Hello | None:
    """The client's hello; None if the connection has ended, also because none came within
    HELLO_TIMEOUT or it speaks another version. Calls ``on_hello`` once a hello was read."""
    try:
        async with asyncio.timeout(settings.hello_timeout):
            while not connection.ended:
                event = await receive()
                if event["type"] == "websocket.disconnect":
                    return None
                if hello := _read(event, connection, on_hello):
                    return hello
    except TimeoutError:
        connection.end(CloseCode.NO_HELLO)
    return None


def _read(event: Event, connection: Connection, on_hello: Callable[[], None]) -> Hello | None:
    text = event.get("text")
    if text is None:
        if connection.admit_frame(len(event.get("bytes") or b"")):
            detail = "expected hello first, as text"
            connection.reject_frame(ErrorCode.NOT_READY, detail, id=BINARY)
        return None
    message = connection.read(text)
    if isinstance(message, Hello):
        on_hello()
        if message.protocol == VERSION:
            return message
        expected = f"protocol errors: expected protocol {VERSION}"
        connection.end(CloseCode.PROTOCOL_ERRORS, expected)
    elif message is not None:
        connection.reject_frame(ErrorCode.NOT_READY, "expected hello first")
    return None
