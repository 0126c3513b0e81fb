"""The demo project, served by :mod:`tests.browser.bytes_asgi`."""

from tests.e2e.demo_settings import *  # noqa: F403

ASGI_APPLICATION = "tests.browser.bytes_asgi.application"
