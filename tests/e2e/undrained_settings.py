"""The demo project with an app that makes the drain fail, or last."""

from .demo_settings import *  # noqa: F403
from .demo_settings import INSTALLED_APPS as OWN

INSTALLED_APPS = [*OWN, "tests.e2e.undrained.Undrained"]
