"""The demo project, served by :mod:`tests.e2e.orm_app`, with connections that last."""

import os

from .demo_settings import *  # noqa: F403
from .demo_settings import DATABASES

ASGI_APPLICATION = "tests.e2e.orm_app.application"
DATABASES["default"]["CONN_MAX_AGE"] = 600
DATABASES["default"]["CONN_HEALTH_CHECKS"] = bool(os.environ["CHECKS"])
