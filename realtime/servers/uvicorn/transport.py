"""An asyncio transport for one WebSocket, whose unsent bytes are bounded and known."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..common.base import HIGH_WATER, LOW_WATER
from ..common.raw_frames import NOWHERE

SMALL = 4096  # bytes: what is shorter is gathered, what is longer waits as it is, perhaps shared
PIECE = 64 * 1024  # gathered at most
AT_ONCE = struct.pack("ii", 1, 0)  # linger for no time


def reset(transport: asyncio.Transport) -> None:
    """Break a connection, with what the kernel has of it.

    asyncio's own abort leaves that to the kernel, which goes on trying to send it.
    """
    with suppress(OSError, ValueError):  # it is closed; the second is what uvloop says
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    transport.abort()


def _descriptor_of(transport: asyncio.Transport) -> int:
    peer = transport.get_extra_info("socket")
    encrypted = transport.get_extra_info("sslcontext") is not None
    return NOWHERE if peer is None or encrypted else int(peer.fileno())


def release(transport: asyncio.Transport) -> None:
    """asyncio's own keeps a method of itself for what it reads, and so itself alive."""
    if hasattr(transport, "_read_ready_cb"):
        transport._read_ready_cb = _nothing


def _nothing() -> None:
    """There is nothing to read any more."""


class TransportWriter:
    """What is sent stays in order, and costs what it weighs.

    From Python 3.12 asyncio keeps what is unsent in pieces, each of which costs ten
    times the weight of a short frame, and counts them whenever it is asked. So it is
    given one piece at a time, and the rest waits here. ``full`` says that something is unsent.
    """

    __slots__ = (
        *("_connected", "_descriptor", "_last", "_room", "_size", "_transport", "_waiting"),
        "full",
    )

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._descriptor = _descriptor_of(transport)
        self._waiting: deque[bytes | bytearray] | None = None
        self._size = 0  # of what waits
        self._last: Callable[[], object] | None = None  # to be done when nothing waits
        self._room: asyncio.Event | None = None  # set when there is room again
        self._connected = True
        self.full = transport.get_write_buffer_size() > 0
        transport.set_write_buffer_limits(high=0)  # it says so as soon as anything is unsent

    # What the transport says

    def pause(self) -> None:
        """The kernel takes no more for now."""
        self.full = True

    def resume(self) -> None:
        """The kernel has taken all it was given."""
        self.full = False
        while self._waiting and not self.full:
            piece = self._waiting.popleft()
            self._size -= len(piece)
            self._transport.write(piece)
        self._make_room()
        if self._last is not None and not self._waiting:
            self._last()

    def lost(self) -> None:
        """The connection is gone."""
        self._connected = False
        self._waiting = None
        self._make_room()
        release(self._transport)

    # What goes out

    def fileno(self) -> int:
        """The socket's descriptor, as ``frames`` wants it."""
        return self._descriptor

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        if not self.full or not self._connected:
            return 0
        return self._transport.get_write_buffer_size() + self._size

    def send(self, data: bytes) -> None:
        """Write at once where nothing waits before it; never waits."""
        if self.full:
            self._keep(data)
        else:
            self._transport.write(data)

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._waiting is None:
            self._waiting = deque()
        tail = self._waiting[-1] if self._waiting else b""
        if len(data) >= SMALL:
            self._waiting.append(data)
        elif isinstance(tail, bytearray) and len(tail) < PIECE:
            tail += data
        else:
            self._waiting.append(bytearray(data))

    write = send  # as uvicorn calls it

    async def drained(self) -> None:
        """Wait while too much is unsent; until the end of the connection at most."""
        while self.unsent > HIGH_WATER:
            if self._room is None:
                self._room = asyncio.Event()
            await self._room.wait()

    def _make_room(self) -> None:
        if self._room is not None and self.unsent <= LOW_WATER:
            self._room.set()
            self._room = None

    # The end

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self._last is not None or self._transport.is_closing()

    def close(self) -> None:
        """Send what waits, then close."""
        self._end(self._transport.close)

    def write_eof(self) -> None:
        """Send what waits, then nothing more."""
        self._end(self._transport.write_eof)

    def _end(self, act: Callable[[], object]) -> None:
        if self._waiting:
            self._last = act
        else:
            act()

    def abort(self) -> None:
        """Break the connection now."""
        reset(self._transport)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
