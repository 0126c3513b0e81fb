"""An asyncio transport for one WebSocket, whose unsent bytes are bounded and known."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..common.limits import HIGH_WATER, LOW_WATER
from ..common.raw_frames import NO_DESCRIPTOR

SMALL = 4096  # bytes: shorter pieces are joined; longer ones wait as they are, perhaps shared
MAX_JOINED = 64 * 1024  # bytes
NO_LINGER = struct.pack("ii", 1, 0)


def reset(transport: asyncio.Transport) -> None:
    """Break a connection, and discard its bytes in the kernel. After asyncio's own abort the kernel
    would go on trying to send them."""
    with suppress(OSError, ValueError):  # closed already; uvloop raises ValueError
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    transport.abort()


def _descriptor_of(transport: asyncio.Transport) -> int:
    peer = transport.get_extra_info("socket")
    encrypted = transport.get_extra_info("sslcontext") is not None
    return NO_DESCRIPTOR if peer is None or encrypted else int(peer.fileno())


def release(transport: asyncio.Transport) -> None:
    """Let a lost transport be freed: asyncio's keeps a bound method of itself."""
    if hasattr(transport, "_read_ready_cb"):
        transport._read_ready_cb = lambda: None


class TransportWriter:
    """Sends in order, and keeps unsent bytes at about their own weight.

    From Python 3.12 on asyncio keeps unsent data in pieces, each of which costs ten times the
    weight of a short frame, and adds their sizes up at each ``get_write_buffer_size``. So asyncio
    gets one piece at a time, and the others wait here. ``full``: unsent bytes wait.
    """

    __slots__ = (
        *("_connected", "_descriptor", "_finally", "_size", "_transport", "_waiting", "_writable"),
        "full",
    )

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._descriptor = _descriptor_of(transport)
        self._waiting: deque[bytes | bytearray] | None = None
        self._size = 0  # bytes waiting
        self._finally: Callable[[], object] | None = None  # called when nothing waits any more
        self._writable: asyncio.Event | None = None  # set once fewer than LOW_WATER are unsent
        self._connected = True
        self.full = transport.get_write_buffer_size() > 0
        transport.set_write_buffer_limits(high=0)  # pause_writing comes as soon as a byte is unsent

    # Called by the protocol

    def pause(self) -> None:
        """The kernel takes no more for now."""
        self.full = True

    def resume(self) -> None:
        """The kernel has taken everything that asyncio had."""
        self.full = False
        while self._waiting and not self.full:
            piece = self._waiting.popleft()
            self._size -= len(piece)
            self._transport.write(piece)
        self._check_writable()
        if self._finally is not None and not self._waiting:
            self._finally()

    def lost(self) -> None:
        """The connection is gone."""
        self._connected = False
        self._waiting = None
        self._check_writable()
        release(self._transport)

    # Sending

    def fileno(self) -> int:
        """The socket's descriptor; NO_DESCRIPTOR if bytes have to be encrypted first."""
        return self._descriptor

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        if not self.full or not self._connected:
            return 0
        return self._transport.get_write_buffer_size() + self._size

    def send(self, data: bytes) -> None:
        """Write at once if nothing waits; never waits."""
        if self.full:
            self._append(data)
        else:
            self._transport.write(data)

    def _append(self, data: bytes) -> None:
        self._size += len(data)
        if self._waiting is None:
            self._waiting = deque()
        tail = self._waiting[-1] if self._waiting else b""
        if len(data) >= SMALL:
            self._waiting.append(data)
        elif isinstance(tail, bytearray) and len(tail) < MAX_JOINED:
            tail += data
        else:
            self._waiting.append(bytearray(data))

    write = send  # uvicorn's name for it

    async def wait_writable(self) -> None:
        """Wait while more than HIGH_WATER is unsent, at most until the connection is lost."""
        while self.unsent > HIGH_WATER:
            if self._writable is None:
                self._writable = asyncio.Event()
            await self._writable.wait()

    def _check_writable(self) -> None:
        if self._writable is not None and self.unsent <= LOW_WATER:
            self._writable.set()
            self._writable = None

    # The end

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self._finally is not None or self._transport.is_closing()

    def close(self) -> None:
        """Send the waiting bytes, then close."""
        self._finish(self._transport.close)

    def write_eof(self) -> None:
        """Send the waiting bytes, then half-close."""
        self._finish(self._transport.write_eof)

    def _finish(self, act: Callable[[], object]) -> None:
        if self._waiting:
            self._finally = act
        else:
            act()

    def abort(self) -> None:
        """Break the connection now."""
        reset(self._transport)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
