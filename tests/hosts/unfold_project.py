"""The demo project with the admin theme Unfold."""

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import INSTALLED_APPS as DEMO

INSTALLED_APPS = ["unfold", *DEMO]
