"""A TCP proxy that delays data without limiting its rate."""

import asyncio
import threading
from asyncio import StreamReader, StreamWriter
from typing import Self

TIMEOUT = 10.0


class SlowLine:
    """Forwards connections on ``port`` to a server on loopback; a context manager.

    It forwards data after ``delay`` seconds in each direction: the round trip is twice that.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay = 0.0
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[StreamWriter] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(TIMEOUT)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(TIMEOUT)

    async def _serve(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._closing.wait()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers += [writer, to_server]
        for source, sink in ((reader, to_server), (from_server, writer)):
            task = asyncio.create_task(self._forward(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, source: StreamReader, sink: StreamWriter) -> None:
        while data := await source.read(65536):
            self._loop.call_later(self.delay, sink.write, data)
        self._loop.call_later(self.delay, sink.close)
