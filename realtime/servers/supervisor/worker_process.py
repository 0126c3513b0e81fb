"""A worker process, seen from its supervisor."""

import asyncio
import socket
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress

from .pipe import READY, REPLACED

# Makes a worker's command line from the descriptors of its listening socket and its pipe.
Command = Callable[[int, int], Sequence[str]]


class WorkerProcess(asyncio.Protocol):
    """One process from its start to its exit, with the supervisor's end of the pipe.

    ``ready`` becomes true when it accepts connections; ``exit`` is done when it has ended, with
    the return code (below zero: the signal that ended it).
    """

    def __init__(self) -> None:
        self.ready = False
        self.pid = 0
        self.exit: asyncio.Task[int]
        self._began = self._last_tick = time.monotonic()
        self._ended = 0.0
        self._changed = asyncio.Event()
        self._process: Process
        self._transport: asyncio.WriteTransport

    @classmethod
    async def start(cls, command: Command, listener: socket.socket) -> "WorkerProcess":
        """Start a process that serves on this socket. Raises OSError."""
        worker, loop = cls(), asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            await loop.create_connection(lambda: worker, sock=ours)
            inherited = listener.fileno(), theirs.fileno()
            try:
                worker._process = await asyncio.create_subprocess_exec(
                    *command(*inherited), pass_fds=inherited
                )
            except BaseException:
                worker._transport.abort()
                raise
        worker.pid = worker._process.pid
        worker.exit = asyncio.create_task(worker._reap(), name=f"process {worker.pid}")
        return worker

    async def _reap(self) -> int:
        code = await self._process.wait()
        self._ended = time.monotonic()
        self._transport.abort()
        self._changed.set()
        return code

    # Messages from the worker

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._last_tick = time.monotonic()
        if READY in data and not self.ready:
            self.ready = True
            self._began = self._last_tick
            self._changed.set()

    async def wait_ready(self, seconds: float) -> bool:
        """Wait until it is ready or has ended, at most ``seconds``; returns whether it is ready."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        return self.ready and not self.exit.done()

    def ticked_within(self, seconds: float) -> bool:
        """Whether a tick or READY has come within the last ``seconds``."""
        return time.monotonic() - self._last_tick < seconds

    @property
    def seconds_served(self) -> float:
        """How long it was ready, once it has ended."""
        return self._ended - self._began if self.ready else 0.0

    # Messages to the worker

    def drain(self, *, replaced: bool = False) -> None:
        """Start its drain; with ``replaced`` without the delay."""
        if self.exit.done():
            return
        if replaced:
            self._transport.write(REPLACED)
        self._transport.write_eof()
        if not self.ready:  # it may not read the pipe yet
            self._process.terminate()

    def kill(self) -> None:
        """Kill it."""
        if not self.exit.done():
            self._process.kill()


def describe(code: int) -> str:
    """An exit code in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
