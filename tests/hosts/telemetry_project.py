"""The demo project, served by :mod:`tests.hosts.telemetry_app`."""

from tests.e2e.demo_settings import *  # noqa: F403

ASGI_APPLICATION = "tests.hosts.telemetry_app.application"
