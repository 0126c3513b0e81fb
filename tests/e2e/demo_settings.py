"""The demo project as it is, but for three things that take the tests' time, and one.

Its passwords are hashed in no time: a login takes a second of a core by the book, and there are
hundreds of them here. Without its runserver daphne is no app: that imports Twisted into every
process, half a second each. And SQLite leaves to the system when what it has written reaches
the disk, which tells only after a power cut: the end of its processes loses nothing. Its
content security policy forbids Playwright to wait for an expression, and scripts in a test's own
page; ``tests/browser/csp_settings.py`` has it back.
"""

import sys

from project.settings import *  # noqa: F403
from project.settings import DATABASES, INSTALLED_APPS

SECURE_CSP = {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if "runserver" not in sys.argv:
    INSTALLED_APPS.remove("daphne")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
