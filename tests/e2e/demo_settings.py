"""The demo project as it is, but for one thing: its passwords are hashed in no time.

A login takes a second of a core by the book, and there are hundreds of them here.
"""

from project.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
