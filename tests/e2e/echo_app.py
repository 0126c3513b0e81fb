"""A consumer that is not ours, under our servers: it sends everything back."""

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application


class Echo(AsyncWebsocketConsumer):
    """Text as text and bytes as bytes."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data, bytes_data)


application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": Echo.as_asgi()})
