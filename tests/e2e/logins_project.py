"""The demo project with the sessions, the cache and the keys that the environment names."""

import os

from .demo_settings import *  # noqa: F403

SESSION_ENGINE = os.environ.get("SESSION_ENGINE", "django.contrib.sessions.backends.db")
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("FALLBACKS", "").split(",") if key]
if "CACHE_URL" in os.environ:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["CACHE_URL"],
        }
    }
