"""The demo project with one more app: it writes down the signals."""

from .demo_settings import *  # noqa: F403
from .demo_settings import INSTALLED_APPS as OWN

INSTALLED_APPS = [*OWN, "tests.e2e.receivers.Receivers"]
