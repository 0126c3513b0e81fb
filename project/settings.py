"""Settings of the demo project; environment variables set what differs between machines."""

import os
import re
from pathlib import Path
from typing import Any

import dj_database_url
import django
from django.core.exceptions import ImproperlyConfigured

from realtime import conf

BASE_DIR = Path(__file__).resolve().parent.parent


def _switch(name: str) -> bool:
    """True for 1, False for 0 or an empty text. Raises ImproperlyConfigured for anything else."""
    text = os.environ.get(name, "")
    if text not in ("0", "1", ""):
        raise ImproperlyConfigured(f'{name} is "{text}": expected 0 or 1.')
    return text == "1"


def _texts(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


# Security. DEBUG=0 alone does not require https: a server on localhost has none.

DEBUG = _switch("DEBUG")
SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "Set SECRET_KEY to a long random text that stays the same between restarts; "
        "`make run` generates one."
    )
ALLOWED_HOSTS = _texts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _texts("CSRF_TRUSTED_ORIGINS")
SECURE_SSL_REDIRECT = _switch("SECURE_SSL_REDIRECT")
SESSION_COOKIE_SECURE = _switch("SESSION_COOKIE_SECURE")
CSRF_COOKIE_SECURE = _switch("CSRF_COOKIE_SECURE")
# Only behind a proxy that always sets X-Forwarded-Proto: clients can send it, too.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if _switch("SECURE_PROXY_SSL_HEADER") else None
)

# Application

INSTALLED_APPS = [
    "daphne",  # first: its `runserver`, which speaks ASGI, has to replace Django's
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "realtime",
    "project",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
if django.VERSION >= (6, 0):
    from django.utils.csp import CSP

    MIDDLEWARE.insert(1, "django.middleware.csp.ContentSecurityPolicyMiddleware")
    TEMPLATES[0]["OPTIONS"]["context_processors"].append("django.template.context_processors.csp")
    SECURE_CSP = {
        "default-src": [CSP.NONE],
        "script-src": [CSP.SELF, CSP.NONCE],
        "style-src": [CSP.SELF, CSP.NONCE],
        "img-src": [CSP.SELF],
        "connect-src": [CSP.SELF],
        "form-action": [CSP.SELF],
        "base-uri": [CSP.NONE],
        "frame-ancestors": [CSP.NONE],
    }
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "index"
LOGOUT_REDIRECT_URL = "login"

# Data

DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{BASE_DIR / 'db.sqlite3'}"
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # With WAL readers do not wait for the writer. IMMEDIATE takes the write lock when a transaction
    # begins, within the timeout; SQLite refuses at once to upgrade one from reading to writing.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = os.environ.get("REDIS_URL", "")

REALTIME = conf.from_environ(os.environ)
if REDIS_URL:
    REALTIME.setdefault("STORE", REDIS_URL)

# Hints between workers. A lost hint only delays what it is about, so short timeouts do.
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
}
if REDIS_URL:
    # Its client knows the scheme redis only. Database numbers do not separate messages.
    address = re.sub(r"^valkey", "redis", REDIS_URL)
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": address, "socket_timeout": 2, "socket_connect_timeout": 2}],
            "prefix": REALTIME.get("REDIS_PREFIX", "realtime"),
        },
    }

# Languages, time and static files

# One language throughout, since the texts of the demo and of our pages in the admin have only one,
# and a clock of 24 hours.
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English")]
TIME_ZONE = "UTC"
STATIC_URL = "static/"

# Logging

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "{asctime} {levelname:<7} {processName} {name}: {message}",
            "style": "{",
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO").upper()},
    # Without this, Django's handlers would print each line again.
    "loggers": {
        "django": {"handlers": []},
        # During an outage of Redis it logs a traceback each second; realtime.hints logs it once.
        "channels_redis.pubsub": {"level": "CRITICAL"},
        # A line for each file of a page would scroll the demo's password away.
        "realtime.access": {"level": os.environ.get("ACCESS_LOG_LEVEL", "WARNING").upper()},
    },
}
