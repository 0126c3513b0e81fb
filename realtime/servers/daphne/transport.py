"""Daphne's transport: an accepted TCP connection whose unsent bytes are bounded and known."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from twisted.internet import tcp
from twisted.python.failure import Failure

from ..common.limits import HIGH_WATER, LOW_WATER
from ..common.read_size import AdaptiveReadSize

MAX_PIECES = 512  # of a list of bytes, before they are joined: each costs 40 bytes of its own


class Transport(tcp.Server):
    """Its server knows it from accept until it is lost.

    ``on_full_changed()`` is called whenever ``full`` has changed.
    """

    protocol: Any
    bufferSize = 8 * 1024  # read at a time at most: autobahn copies the rest of it for every frame
    full = False  # whether unsent bytes wait for the kernel, so that new ones queue behind them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_size = AdaptiveReadSize(self.bufferSize)
        self._writable: asyncio.Event | None = None  # set once fewer than LOW_WATER are unsent
        self.on_full_changed: Callable[[], object] = lambda: None
        factory: Any = self.server.factory
        self._transports: set[Transport] = factory.server.transports
        self._transports.add(self)

    def connectionLost(self, reason: Failure) -> None:
        self._transports.discard(self)
        super().connectionLost(reason)
        self._check_writable()

    def doRead(self) -> Any:
        began = time.perf_counter()
        result = super().doRead()
        self._read_size.record(time.perf_counter() - began)
        self.bufferSize = self._read_size.size
        return result

    # Sending

    def startWriting(self) -> None:
        self._set_full(True)
        super().startWriting()  # type: ignore[no-untyped-call]

    def stopWriting(self) -> None:
        self._set_full(False)
        super().stopWriting()  # type: ignore[no-untyped-call]

    def _set_full(self, full: bool) -> None:
        if self.full != full:
            self.full = full
            self.on_full_changed()

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        buffered: int = len(self.dataBuffer) - self.offset + self._tempDataLen
        return buffered

    def send(self, data: bytes) -> None:
        """Write at once if nothing waits: Twisted's buffer would cost 20 µs and a turn of the
        event loop."""
        if self.full or not self.connected:
            self.write(data)  # type: ignore[no-untyped-call]
            if len(self._tempDataBuffer) >= MAX_PIECES:
                self._tempDataBuffer = [b"".join(self._tempDataBuffer)]
            return
        taken = self.writeSomeData(data)
        # If the connection is lost, the reactor finds out when it tries the rest.
        sent = taken if isinstance(taken, int) else 0
        if sent < len(data):
            self.write(data[sent:])  # type: ignore[no-untyped-call]

    async def wait_writable(self) -> None:
        """Wait while more than HIGH_WATER is unsent, at most until the connection is lost."""
        while self.unsent > HIGH_WATER and self.connected:
            if self._writable is None:
                self._writable = asyncio.Event()
            await self._writable.wait()

    def doWrite(self) -> Any:
        result = super().doWrite()  # type: ignore[no-untyped-call]
        self._check_writable()
        return result

    def _check_writable(self) -> None:
        if self._writable is not None and (self.unsent <= LOW_WATER or not self.connected):
            self._writable.set()
            self._writable = None
