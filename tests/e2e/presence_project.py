"""The demo project, served by :mod:`tests.e2e.presence_app`."""

from .project_settings import *  # noqa: F403

ASGI_APPLICATION = "tests.e2e.presence_app.application"
