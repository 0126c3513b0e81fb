"""The demo project's settings as the tests want them: the same wherever they run."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "known to every reader of the tests")

from project.settings import *  # noqa: F403
from project.settings import DATABASES

DEBUG = False
REALTIME = {}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, because the store's threads have connections of their own and an in-memory
    # database belongs to one; named by the process, because two runs may overlap.
    test_file = Path(tempfile.gettempdir()) / f"realtime-tests-{os.getpid()}.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": str(test_file)}
    # It need not outlive a power cut.
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
