"""The demo without a handler for static files: its middleware answers for them."""

from project.asgi import pages  # loads the apps
from realtime.routing import realtime_application

application = realtime_application(pages)
