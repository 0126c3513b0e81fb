"""Publications without a pause, while pages come and go."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from tests.e2e.support import Server, connected, login

PAUSE = 0.02  # seconds


class Stream:
    """Publishes 1, 2, 3 … to a room as another user, in a thread, until the end of its block, which
    raises what was raised there."""

    def __init__(self, server: Server, room: str) -> None:
        self.sent = 0
        self._server = server
        self._room = room
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        self._publishing = self._pool.submit(lambda: asyncio.run(self._publish()))
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with self._pool:
            self._publishing.result()

    async def _publish(self) -> None:
        async with connected(
            self._server, login(self._server, "bob"), rooms={self._room: None}
        ) as client:
            while not self._stopping.is_set():
                number = self.sent + 1
                text = str(number)
                data = {"text": text, "tag": ""}
                await client.send(type="message", id=number, room=self._room, data=data, key=text)
                await client.frame("ack", number=number)
                self.sent = number
                await asyncio.sleep(PAUSE)
