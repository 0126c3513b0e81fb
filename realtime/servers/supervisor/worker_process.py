"""A worker process, seen from its parent."""

import asyncio
import socket
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress

from .pipe import READY, REPLACED

# The command of a worker that finds its listening socket and its link under these descriptors.
Command = Callable[[int, int], Sequence[str]]


class WorkerProcess(asyncio.Protocol):
    """One process from its start to its exit, with the parent's end of the link.

    ``ready`` becomes true when it accepts connections, ``exit`` has its return code
    (below zero: the signal that ended it) when it is gone.
    """

    def __init__(self) -> None:
        self.ready = False
        self.pid = 0
        self.exit: asyncio.Task[int]
        self._began = self._last_tick = time.monotonic()
        self._ended = 0.0
        self._news = asyncio.Event()
        self._process: Process
        self._transport: asyncio.WriteTransport

    @classmethod
    async def start(cls, command: Command, listener: socket.socket) -> "WorkerProcess":
        """A fresh process that serves on this socket. Raises OSError if there can be none."""
        child, loop = cls(), asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            await loop.create_connection(lambda: child, sock=ours)
            inherited = listener.fileno(), theirs.fileno()
            try:
                child._process = await asyncio.create_subprocess_exec(
                    *command(*inherited), pass_fds=inherited
                )
            except BaseException:
                child._transport.abort()
                raise
        child.pid = child._process.pid
        child.exit = asyncio.create_task(child._reap(), name=f"process {child.pid}")
        return child

    async def _reap(self) -> int:
        code = await self._process.wait()
        self._ended = time.monotonic()
        self._transport.abort()
        self._news.set()
        return code

    # What it says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._last_tick = time.monotonic()
        if READY in data and not self.ready:
            self.ready = True
            self._began = self._last_tick
            self._news.set()

    async def settled(self, patience: float) -> bool:
        """Whether it is ready; awaited until it is, or has ended, or the patience has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._news.wait()
        return self.ready and not self.exit.done()

    def ticked_within(self, seconds: float) -> bool:
        """Whether it has shown life lately."""
        return time.monotonic() - self._last_tick < seconds

    @property
    def served(self) -> float:
        """For how many seconds it was ready, once it has ended."""
        return self._ended - self._began if self.ready else 0.0

    # What it is told

    def drain(self, *, replaced: bool = False) -> None:
        """Ask it to end; with ``replaced`` at once, as nobody has to be warned."""
        if self.exit.done():
            return
        if replaced:
            self._transport.write(REPLACED)
        self._transport.write_eof()
        if not self.ready:  # it may not be listening to us yet
            self._process.terminate()

    def kill(self) -> None:
        """End it now."""
        if not self.exit.done():
            self._process.kill()


def describe(code: int) -> str:
    """An exit code in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
