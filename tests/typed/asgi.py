"""The application, in both of its forms."""

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

from realtime.routing import lifespan, realtime_application, with_probes

from .consumers import TypedConsumer

pages = get_asgi_application()
application = realtime_application(pages, consumer=TypedConsumer)
# Channels types its routes by a class of its own, which path() does not return.
routes: list[Any] = [path("ws/", TypedConsumer.as_asgi())]
composed = ProtocolTypeRouter(
    {"http": with_probes(pages), "websocket": URLRouter(routes), "lifespan": lifespan}
)
