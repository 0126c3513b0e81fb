"""The demo project for a run, with room for a fault that is planted on purpose."""

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import INSTALLED_APPS as OWN

INSTALLED_APPS = [*OWN, "tests.e2e.chaos.planted.Planted"]
ASGI_APPLICATION = "tests.e2e.chaos.application.application"
