"""The pages and our sockets."""

from django.core.asgi import get_asgi_application

pages = get_asgi_application()

from realtime.routing import realtime_application  # noqa: E402  # after the apps are loaded

application = realtime_application(pages)
