"""The demo's application, with a room that every session is in."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
pages = get_asgi_application()

from realtime.consumers import RealtimeConsumer  # noqa: E402
from realtime.protocol.frames import encoded  # noqa: E402
from realtime.routing import realtime_application  # noqa: E402
from realtime.worker import runtime  # noqa: E402


class RoomConsumer(RealtimeConsumer):
    """Passes the content of a binary frame on to every session here, as a text frame."""

    async def receive_bytes(self, data: bytes) -> None:
        worker = await runtime.start()
        message = encoded(data.decode())
        for session in worker.hub.connected():
            session.connection.post(message)


application = realtime_application(ASGIStaticFilesHandler(pages), consumer=RoomConsumer)
