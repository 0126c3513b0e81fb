"""The demo project, served by :mod:`tests.browser.killed_asgi`."""

from project.settings import *  # noqa: F403

ASGI_APPLICATION = "tests.browser.killed_asgi.application"
