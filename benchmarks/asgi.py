"""The demo's application, with a room that every session is in."""

import os
from typing import Protocol
from weakref import WeakKeyDictionary

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
pages = get_asgi_application()

from realtime.authentication import Login  # noqa: E402
from realtime.consumers import RealtimeConsumer  # noqa: E402
from realtime.routing import realtime_application  # noqa: E402
from realtime.worker import runtime  # noqa: E402
from realtime.worker.connection import Connection  # noqa: E402


class Frames(Protocol):
    """The server's extension ``realtime.frames``, as far as it is needed here."""

    def write(self, frame: bytes) -> bool:
        """Send one complete frame without waiting."""


outlets: WeakKeyDictionary[Connection, Frames] = WeakKeyDictionary()


class RoomConsumer(RealtimeConsumer):
    """Passes the content of a binary frame on to every session, as a text frame."""

    async def authenticate(self) -> Login:
        outlets[self.connection] = self.scope["extensions"]["realtime.frames"]
        return await super().authenticate()

    async def receive_bytes(self, data: bytes) -> None:
        worker = await runtime.start()
        frame = bytes((0x81, len(data))) + data  # whole, text, less than 126 bytes
        for session in worker.hub.connected():
            outlets[session.connection].write(frame)


application = realtime_application(ASGIStaticFilesHandler(pages), consumer=RoomConsumer)
