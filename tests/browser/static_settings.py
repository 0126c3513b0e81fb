"""The demo project with collected static files, which WhiteNoise serves. The environment says where
they are, which storage names them, and at which addresses."""

import os

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import MIDDLEWARE

STATIC_ROOT = os.environ["STATIC_ROOT"]
STATIC_URL = os.environ["STATIC_URL"]
STORAGES = {"staticfiles": {"BACKEND": os.environ["STATIC_STORAGE"]}}
WHITENOISE_KEEP_ONLY_HASHED_FILES = "KEEP_ONLY_HASHED_FILES" in os.environ
FORCE_SCRIPT_NAME = os.environ["SCRIPT_NAME"] or None
MIDDLEWARE.insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")
ROOT_URLCONF = "tests.browser.static_urls"
ASGI_APPLICATION = "tests.browser.static_asgi.application"
