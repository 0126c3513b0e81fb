"""The client's half of a WebSocket, as cheap as Python has it, and no more than is needed here.

The load generator's own time for a frame must not count as the server's: each
frame comes with the moment at which the kernel had it, however late it is read.
"""

import asyncio
import base64
import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable, Sequence
from enum import IntEnum

SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
TIMESPEC = struct.Struct("@ll")
SPACE = socket.CMSG_SPACE(TIMESPEC.size)
READ_SIZE = 65_536

# A mask of zeros is a mask (RFC 6455, 5.3) and leaves the payload as it is.
NO_MASK = bytes(4)


class Opcode(IntEnum):
    """The first byte of a frame that is whole."""

    TEXT = 0x81
    BINARY = 0x82
    CLOSE = 0x88
    PING = 0x89
    PONG = 0x8A


class Refused(Exception):
    """The server did not accept the handshake; with what it said."""


class Wire:
    """One open WebSocket. ``on_frame`` gets each data frame and its epoch seconds of
    arrival, ``on_lost`` hears once of an end that did not come from here."""

    def __init__(self, connection: socket.socket, rest: bytes) -> None:
        self.on_frame: Callable[[bytes, float], object]
        self.on_lost: Callable[[], object]
        self._socket = connection
        self._rest = rest
        self._loop = asyncio.get_running_loop()

    def listen(
        self, on_frame: Callable[[bytes, float], object], on_lost: Callable[[], object]
    ) -> None:
        """Begin to read."""
        self.on_frame, self.on_lost = on_frame, on_lost
        self.resume()
        if self._rest:
            self._take(b"", time.time())

    def pause(self) -> None:
        """Read nothing for now."""
        self._loop.remove_reader(self._socket.fileno())

    def resume(self) -> None:
        """Read."""
        self._loop.add_reader(self._socket.fileno(), self._read)

    def send(self, payload: bytes, opcode: Opcode = Opcode.TEXT) -> None:
        """Send a frame of less than 64 KiB. Raises OSError if the kernel does not take it whole."""
        size = len(payload)
        short = size < 126
        length = bytes((0x80 | size,)) if short else struct.pack("!BH", 0x80 | 126, size)
        frame = bytes((opcode,)) + length + NO_MASK + payload
        if self._socket.send(frame) < len(frame):
            raise OSError("the server reads too slowly for the load generator")

    def close(self) -> None:
        """Say goodbye and hang up."""
        self._loop.remove_reader(self._socket.fileno())
        with contextlib.suppress(OSError):
            self.send(struct.pack("!H", 1000), Opcode.CLOSE)
        self._socket.close()

    def _read(self) -> None:
        try:
            data, ancillary, _, _ = self._socket.recvmsg(READ_SIZE, SPACE)
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        if not data:
            self._lose()
            return
        self._take(data, _arrival(ancillary))

    def _take(self, data: bytes, at: float) -> None:
        if not self._rest and _is_short_frame(data):  # nearly always
            self._serve(data[0], data[2:], at)
            return
        self._rest += data
        while (end := _end_of_frame(self._rest)) and len(self._rest) >= end[1]:
            frame, self._rest = self._rest[: end[1]], self._rest[end[1] :]
            self._serve(frame[0], frame[end[0] :], at)

    def _serve(self, opcode: int, payload: bytes, at: float) -> None:
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            self.on_frame(payload, at)
        elif opcode == Opcode.PING:
            self.send(payload, Opcode.PONG)
        elif opcode == Opcode.CLOSE:
            self._lose()

    def _lose(self) -> None:
        if self._loop.remove_reader(self._socket.fileno()):
            self._socket.close()
            self.on_lost()


def _arrival(ancillary: Sequence[tuple[int, int, bytes]]) -> float:
    """When the kernel had it, epoch seconds. It begins to note that a little after the first
    socket of the machine has asked for it; what comes before has come just now."""
    if not ancillary:
        return time.time()
    seconds, nanoseconds = TIMESPEC.unpack(ancillary[0][2])
    return float(seconds + nanoseconds / 1e9)


def _is_short_frame(data: bytes) -> bool:
    """Whether this is one whole frame with a length of one byte."""
    return len(data) > 1 and data[1] < 126 and len(data) == 2 + data[1]


def _end_of_frame(data: bytes) -> tuple[int, int] | None:
    """Where the payload of the first frame begins and ends; None if that cannot be seen yet."""
    if len(data) < 4:
        return (2, 2 + data[1]) if len(data) > 1 and data[1] < 126 else None
    if data[1] < 126:
        return 2, 2 + data[1]
    size: int = struct.unpack_from("!H", data, 2)[0]
    return 4, 4 + size


async def connect(address: tuple[str, int], path: str, *, subprotocol: str | None) -> Wire:
    """Open a WebSocket. Raises Refused, OSError."""
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        await loop.sock_connect(connection, address)
        await loop.sock_sendall(connection, _request(address, path, subprotocol))
        return Wire(connection, await _handshake(connection))
    except BaseException:
        connection.close()
        raise


async def _handshake(connection: socket.socket) -> bytes:
    """Read the answer to the request; what came behind it."""
    loop, answer = asyncio.get_running_loop(), b""
    while b"\r\n\r\n" not in answer:
        more = await loop.sock_recv(connection, READ_SIZE)
        if not more:
            raise Refused("hung up during the handshake")
        answer += more
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        raise Refused(head.partition(b"\r\n")[0].decode(errors="replace"))
    return rest


def _request(address: tuple[str, int], path: str, subprotocol: str | None) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: {}:{}".format(*address),
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()
