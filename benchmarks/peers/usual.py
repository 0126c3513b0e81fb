"""The usual way with Channels: a JSON consumer, a group, a heartbeat task per connection.

Keeps no record of who is connected. Served by plain daphne or plain uvicorn:

    daphne benchmarks.peers.usual:application
"""

import asyncio
import os
import random
from typing import Any

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for the benchmark",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
)
django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402

INTERVAL = float(os.environ["INTERVAL"])
TIMEOUT = 10.0
ROOM = "room"


class UsualConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # has no types
    """Pings every INTERVAL seconds; closes when no pong came since the ping before."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(ROOM, self.channel_name)
        await self.accept()
        self.last_pong = asyncio.get_running_loop().time()
        self.heartbeat = asyncio.create_task(self.beat())

    async def beat(self) -> None:
        loop = asyncio.get_running_loop()
        # Clients arrive over hours, those of a benchmark within a second: without this their
        # beats would come in one burst, which is cheaper than any server has it in earnest.
        await asyncio.sleep(random.uniform(0, INTERVAL))
        while True:
            if loop.time() - self.last_pong > INTERVAL + TIMEOUT:
                await self.close(code=4002)
                return
            await self.send_json({"type": "ping", "timestamp": timezone.now().isoformat()})
            await asyncio.sleep(INTERVAL)

    async def receive_json(self, content: dict[str, Any]) -> None:
        if content["type"] == "pong":
            self.last_pong = asyncio.get_running_loop().time()
        elif content["type"] == "publish":
            event = {"type": "room.message", "data": content["data"]}
            await self.channel_layer.group_send(ROOM, event)

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send_json({"type": "message", "data": event["data"]})

    async def disconnect(self, code: int) -> None:
        self.heartbeat.cancel()
        await self.channel_layer.group_discard(ROOM, self.channel_name)


routes: Any = [path("ws/", UsualConsumer.as_asgi())]  # URL patterns are typed for views
application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": URLRouter(routes)})
