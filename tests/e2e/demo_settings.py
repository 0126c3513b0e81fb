"""The demo project as it is, but for two things that take the tests' time.

Its passwords are hashed in no time: a login takes a second of a core by the book, and there are
hundreds of them here. And SQLite leaves to the system when what it has written reaches the disk,
which tells only after a power cut: whatever happens to its processes, nothing is lost.
"""

from project.settings import *  # noqa: F403
from project.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
