"""The demo project with the pages of the schedules, and room for a fault planted on purpose."""

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import DATABASES
from tests.e2e.demo_settings import INSTALLED_APPS as OWN

INSTALLED_APPS = [*OWN, "tests.e2e.chaos.planted.Planted"]
ROOT_URLCONF = "tests.browser.schedules.urls"
# Transactions begin with a snapshot and lock nothing, as SQLite does by default.
DATABASES["default"]["OPTIONS"]["transaction_mode"] = "DEFERRED"
