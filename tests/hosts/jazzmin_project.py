"""The demo project with the admin theme Jazzmin."""

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import INSTALLED_APPS as DEMO

INSTALLED_APPS = ["jazzmin", *DEMO]
JAZZMIN_SETTINGS = {"use_google_fonts_cdn": False}
