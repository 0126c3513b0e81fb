"""A project with users of its own model, and two backends that know them."""

from .demo_settings import *  # noqa: F403
from .demo_settings import INSTALLED_APPS as DEMO

INSTALLED_APPS = [*(app for app in DEMO if app != "project"), "tests.e2e.accounts"]
ROOT_URLCONF = "tests.e2e.accounts.urls"
ASGI_APPLICATION = "tests.e2e.accounts.asgi.application"
AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "tests.e2e.accounts.backends.LinkBackend",
]
