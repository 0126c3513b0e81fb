"""The demo's settings; each test imports them in a process of its own."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

SHOW = """
import json
from project import settings
names = ("DEBUG", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE",
         "CSRF_COOKIE_SECURE", "CSRF_TRUSTED_ORIGINS", "REALTIME", "SECURE_PROXY_SSL_HEADER",
         "CHANNEL_LAYERS")
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def import_settings(**environ: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "SECRET_KEY": "k"}
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        env={k: v for k, v in {**base, **environ}.items() if v},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def read(**environ: str) -> dict[str, object]:
    done = import_settings(**environ)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_without_variables_https_is_not_required() -> None:
    assert read() == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "SECURE_SSL_REDIRECT": False,
        "SESSION_COOKIE_SECURE": False,
        "CSRF_COOKIE_SECURE": False,
        "CSRF_TRUSTED_ORIGINS": [],
        "REALTIME": {},
        "SECURE_PROXY_SSL_HEADER": None,
        "CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    }


def test_lists_are_separated_by_commas() -> None:
    assert read(ALLOWED_HOSTS="a.example, b.example,")["ALLOWED_HOSTS"] == [
        "a.example",
        "b.example",
    ]


def test_realtime_variables_set_the_dict() -> None:
    assert read(REALTIME_PING_INTERVAL="5")["REALTIME"] == {"PING_INTERVAL": 5.0}


def test_with_redis_it_is_the_default_store() -> None:
    url = "redis://localhost:6379/0"
    assert read(REDIS_URL=url)["REALTIME"] == {"STORE": url}
    assert read(REDIS_URL=url, REALTIME_STORE="database")["REALTIME"] == {"STORE": "database"}


def channel_layer(**environ: str) -> tuple[str, str, str]:
    layers: Any = read(**environ)["CHANNEL_LAYERS"]
    layer = layers["default"]
    return layer["BACKEND"], layer["CONFIG"]["hosts"][0]["address"], layer["CONFIG"]["prefix"]


def test_with_redis_it_is_the_channel_layer() -> None:
    pubsub = "channels_redis.pubsub.RedisPubSubChannelLayer"
    url = "redis://localhost:6379/0"
    assert channel_layer(REDIS_URL=url) == (pubsub, url, "realtime")
    assert channel_layer(REDIS_URL="valkeys://host/1") == (pubsub, "rediss://host/1", "realtime")
    assert channel_layer(REDIS_URL=url, REALTIME_REDIS_PREFIX="mine")[2] == "mine"


def test_the_proxy_header_is_trusted_on_request() -> None:
    header = ["HTTP_X_FORWARDED_PROTO", "https"]
    assert read(SECURE_PROXY_SSL_HEADER="1")["SECURE_PROXY_SSL_HEADER"] == header


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"SECRET_KEY": ""}, "Set SECRET_KEY to a long random text"),
        ({"DEBUG": "false"}, 'DEBUG is "false": expected 0 or 1.'),
    ],
)
def test_invalid_variables_are_errors(environ: dict[str, str], sentence: str) -> None:
    done = import_settings(**environ)
    assert done.returncode != 0
    assert sentence in done.stderr
