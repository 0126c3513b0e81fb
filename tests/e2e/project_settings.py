"""The demo project with one more app: it writes down the signals."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS as OWN

INSTALLED_APPS = [*OWN, "tests.e2e.receivers.Receivers"]
