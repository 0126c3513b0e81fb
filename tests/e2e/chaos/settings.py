"""The demo project for a run, with room for a fault that is planted on purpose."""

import os

from ..demo_settings import *  # noqa: F403
from ..demo_settings import DATABASES
from ..demo_settings import INSTALLED_APPS as OWN

INSTALLED_APPS = [*OWN, "tests.e2e.chaos.planted.Planted"]
ASGI_APPLICATION = "tests.e2e.chaos.application.application"
# Application code keeps its connections, so that there is something to terminate.
DATABASES["default"]["CONN_MAX_AGE"] = 60
SECRET_KEY_FALLBACKS = [key for key in (os.environ["FALLBACK_KEY"],) if key]
