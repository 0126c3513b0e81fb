"""The demo project, served by :mod:`tests.e2e.requests_app`."""

from .demo_settings import *  # noqa: F403

ASGI_APPLICATION = "tests.e2e.requests_app.application"
