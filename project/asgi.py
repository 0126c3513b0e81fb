"""The demo project's ASGI application: pages, static files and the WebSocket."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
# Before the import below: it loads the apps, and the routing imports models.
pages = get_asgi_application()

from project.chat import ChatConsumer  # noqa: E402
from realtime.routing import realtime_application  # noqa: E402

# The demo has no web server in front, so it serves its static files itself, also with DEBUG=0
# (where `runserver` and `django.views.static` would not). A real site has its proxy do it.
application = realtime_application(ASGIStaticFilesHandler(pages), consumer=ChatConsumer)
