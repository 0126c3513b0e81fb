"""The demo project's ASGI application: pages, static files and the WebSocket."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
# Before the imports below: it loads the apps, and the routing imports models.
pages = get_asgi_application()

from project.chat import ChatConsumer  # noqa: E402
from realtime.routing import realtime_application  # noqa: E402

# The demo serves its static files itself, also with DEBUG=0, since no web server is in front of it.
# A real site leaves that to its proxy.
application = realtime_application(ASGIStaticFilesHandler(pages), consumer=ChatConsumer)
