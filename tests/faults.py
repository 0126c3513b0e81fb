"""Faults on the way to a server: a TCP proxy that stalls, delays, cuts and resets."""

import asyncio
import socket
import struct
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self, TypeVar

T = TypeVar("T")
Side = tuple[StreamReader, StreamWriter]

PATIENCE = 10.0
CHUNK = 65536
# A socket with this closes by a reset.
NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Faults:
    """The present fault."""

    requests: asyncio.Event = field(default_factory=asyncio.Event)  # set while they flow
    replies: asyncio.Event = field(default_factory=asyncio.Event)
    delay: float = 0.0
    cut_to: bytes = b""
    cuts_left: int = 0
    held_to: bytes = b""
    held: asyncio.Event = field(default_factory=asyncio.Event)  # set once they flow again
    refuses: bool = False

    def end(self) -> None:
        """Nothing is wrong any more."""
        self.requests.set()
        self.replies.set()
        self.held.set()
        self.delay, self.cuts_left, self.held_to, self.refuses = 0.0, 0, b"", False


class Proxy:
    """Forwards connections on ``port`` to a server on loopback, with the faults that are set.

    A context manager. It lives in a thread with a loop of its own, so that blocking and
    asynchronous tests use it alike. A fault is in effect when its method returns, and
    stays until :meth:`heal`.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.accepted = 0  # connections since the start
        self.cuts = 0  # replies since the start
        self.faults = Faults()
        self._links: set[_Link] = set()
        self._resets = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="faults", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._closing.set)
        self._thread.join(PATIENCE)

    # ------------------------------------------------------------ faults

    def stall(self, *, requests: bool = True, replies: bool = True) -> None:
        """Hold what is sent. Nothing breaks, and connections can still be made."""

        def begin() -> None:
            if requests:
                self.faults.requests.clear()
            if replies:
                self.faults.replies.clear()

        self._do(begin)

    def hold(self, *, to: bytes) -> None:
        """Hold the connections that ask for something with ``to`` in it, looked for like in
        :meth:`cut_replies`; the others are free."""

        def begin() -> None:
            self.faults.held.clear()
            self.faults.held_to = to

        self._do(begin)

    def delay(self, seconds: float) -> None:
        """Hold each piece of data so long, either way."""
        self._set(delay=seconds)

    def cut_replies(self, *, to: bytes = b"", times: int = 1) -> None:
        """Let requests that contain ``to`` through, so that they take effect, and break the
        connection instead of handing the answer back.

        ``to`` is looked for in each piece of data by itself.
        """
        self._set(cut_to=to, cuts_left=times)

    def reset(self) -> None:
        """Break the connections there are."""
        self._do(self._reset_all)

    def refuse(self) -> None:
        """Break the connections there are, and new ones as soon as they are made."""
        self._set(refuses=True)
        self.reset()

    def heal(self) -> None:
        """End all faults; what was held goes its way."""
        self._do(self.faults.end)

    @property
    def connections(self) -> int:
        """How many there are now."""
        return self._do(lambda: len(self._links))

    def _set(self, **values: object) -> None:
        """Let the loop change what is wrong."""

        def change() -> None:
            for name, value in values.items():
                setattr(self.faults, name, value)

        self._do(change)

    # ------------------------------------------------------------ in the thread

    def _do(self, change: Callable[[], T]) -> T:
        """Run a function in the loop and wait for it."""

        async def call() -> T:
            return change()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(PATIENCE)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        self.faults.end()
        async with await asyncio.start_server(self._accept, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._closing.wait()
            self._reset_all()
            while self._links:
                await asyncio.sleep(0)

    def _reset_all(self) -> None:
        self._resets += 1
        for link in self._links:
            link.reset()

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.accepted += 1
        resets = self._resets
        if self.faults.refuses:
            _reset(writer)
            return
        try:
            server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        if resets != self._resets:  # it was already there when all were broken
            _reset(writer)
            _reset(server[1])
            return
        link = _Link(self, (reader, writer), server)
        self._links.add(link)
        await link.run()
        self._links.discard(link)


class _Link:
    """One connection through the proxy, on both sides."""

    def __init__(self, proxy: Proxy, client: Side, server: Side) -> None:
        self._proxy = proxy
        self._faults = proxy.faults
        self._client = client
        self._server = server
        self._tasks: list[asyncio.Task[None]] = []
        self._to_cut = False

    async def run(self) -> None:
        """Forward both ways until both have ended, or it is broken."""
        requests = self._forward(self._client, self._server, self._faults.requests, self._ask)
        replies = self._forward(self._server, self._client, self._faults.replies, self._answer)
        self._tasks = [asyncio.create_task(requests), asyncio.create_task(replies)]
        await asyncio.wait(self._tasks)
        for _, writer in (self._client, self._server):
            writer.close()

    def reset(self) -> None:
        """Break it."""
        for task in self._tasks:
            task.cancel()
        for _, writer in (self._client, self._server):
            _reset(writer)

    async def _forward(
        self, source: Side, sink: Side, flow: asyncio.Event, passes: Callable[[bytes], bool]
    ) -> None:
        reader, writer = source[0], sink[1]
        with suppress(OSError):  # the other side has broken it
            while data := await reader.read(CHUNK):
                await asyncio.sleep(self._faults.delay)
                await flow.wait()
                if flow is self._faults.requests and self._faults.held_to in data:
                    await self._faults.held.wait()
                if not passes(data):
                    break
                writer.write(data)
                await writer.drain()
            else:
                writer.write_eof()
                return
        self.reset()

    def _ask(self, data: bytes) -> bool:
        if self._faults.cuts_left and self._faults.cut_to in data:
            self._faults.cuts_left -= 1
            self._to_cut = True
        return True

    def _answer(self, _data: bytes) -> bool:
        self._proxy.cuts += self._to_cut
        return not self._to_cut


def _reset(writer: StreamWriter) -> None:
    if not writer.is_closing():
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        writer.transport.abort()
