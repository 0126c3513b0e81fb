"""The floor: sockets, a loop that writes a frame to each, and nothing that a server is for.

No HTTP but one answer, no session, no bound, no log; connections that do not read are skipped. Its
figures are the kernel's and the shortest Python loop's share of any server.

    INTERVAL=25 python -m benchmarks.peers.bare 8000
"""

import asyncio
import base64
import hashlib
import os
import random
import re
import sys
from typing import Any

INTERVAL = float(os.environ["INTERVAL"])
KEY = re.compile(rb"sec-websocket-key: *(\S+)", re.IGNORECASE)
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
HEAD = 6  # bytes before the payload of a client's frame of less than 126 bytes

descriptors: list[int] = []


def frame(text: bytes) -> bytes:
    """A whole frame of less than 126 bytes."""
    return bytes((0x81, len(text))) + text


class Line(asyncio.Protocol):
    """One connection. It reads a request, a pong, or a frame to be sent to all."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._beats: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if self._beats is None:
            self._open(data)
        elif b'"publish"' in data:
            data = data[HEAD:].replace(b'"type":"publish"', b'"type": "message"')
            self._write_to_all(frame(data))

    def _open(self, request: bytes) -> None:
        key = KEY.search(request)
        assert key is not None
        answer = base64.b64encode(hashlib.sha1(key[1] + GUID, usedforsecurity=False).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + answer + b"\r\n\r\n"
        )
        self._descriptor = self._transport.get_extra_info("socket").fileno()
        descriptors.append(self._descriptor)
        self._later(random.uniform(0, INTERVAL))

    def _later(self, seconds: float) -> None:
        self._beats = asyncio.get_running_loop().call_later(seconds, self._beat)

    def _beat(self) -> None:
        self._transport.write(frame(b'{"type":"ping","timestamp":"2026-01-01T00:00:00Z"}'))
        self._later(INTERVAL)

    @staticmethod
    def _write_to_all(data: bytes) -> None:
        write = os.write
        for descriptor in descriptors:
            try:
                write(descriptor, data)
            except BlockingIOError:
                continue

    def connection_lost(self, _error: Exception | None) -> None:
        if self._beats is not None:
            self._beats.cancel()
            descriptors.remove(self._descriptor)


async def main(port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Line, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1])))
