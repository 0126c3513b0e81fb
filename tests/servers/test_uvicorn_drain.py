"""A connection that uvicorn accepts in the turn in which the drain begins."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from realtime.servers.common.callbacks import LifecycleCallbacks
from realtime.servers.common.listeners import listen
from realtime.servers.uvicorn.server import UvicornServer

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

Send = Callable[[dict[str, Any]], Any]


async def hello(_scope: dict[str, Any], _receive: object, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"hello"})


def test_a_connection_accepted_as_the_drain_begins_is_served() -> None:
    """asyncio has accepted it, but not called connection_made yet, when the server closes."""

    def knock(host: str, port: int) -> None:
        client.connect((host, port))
        client.sendall(REQUEST)
        # In the next turn of the loop, and before it looks at the listener.
        asyncio.get_running_loop().call_soon(lambda: server.stop(replaced=True))

    listener, client = listen("127.0.0.1", 0), socket.socket()
    with (
        client,
        listener.dup(),
    ):  # its successor's queue, where a connection that is not accepted here would wait
        server = UvicornServer(hello, listener, callbacks=LifecycleCallbacks(listening=knock))
        server.run()
        client.settimeout(1)
        answer = client.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 200 ")
