"""The demo with the app ``voice`` of docs/voice.md, which stands in the folder ``VOICE_FOLDER``."""

import os
import sys
from pathlib import Path

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import INSTALLED_APPS

BASE_DIR = Path(os.environ["VOICE_FOLDER"])
sys.path.insert(0, str(BASE_DIR))
INSTALLED_APPS.append("voice")
ROOT_URLCONF = "tests.browser.voice.urls"
ASGI_APPLICATION = "tests.browser.voice.asgi.application"
