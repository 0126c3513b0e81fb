"""The demo's application, with rooms that all clients may join and publish in."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
pages = get_asgi_application()

from realtime.consumers import RealtimeConsumer  # noqa: E402
from realtime.routing import realtime_application  # noqa: E402


class RoomConsumer(RealtimeConsumer):
    """Lets every client in and publishes its messages in its room."""

    async def authorize(self, room: str, action: str) -> bool:
        return True


application = realtime_application(ASGIStaticFilesHandler(pages), consumer=RoomConsumer)
