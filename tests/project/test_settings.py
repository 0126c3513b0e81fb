"""The demo project's settings are read once per process, so each case is a process of its own."""

import json
import os
import subprocess
import sys

import pytest

SHOW = """
import json
from project import settings
names = ("DEBUG", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE",
         "CSRF_COOKIE_SECURE", "CSRF_TRUSTED_ORIGINS", "REALTIME", "SECURE_PROXY_SSL_HEADER")
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


def test_without_any_variable_nothing_promises_https() -> None:
    assert read() == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "SECURE_SSL_REDIRECT": False,
        "SESSION_COOKIE_SECURE": False,
        "CSRF_COOKIE_SECURE": False,
        "CSRF_TRUSTED_ORIGINS": [],
        "REALTIME": {},
        "SECURE_PROXY_SSL_HEADER": None,
    }


def test_lists_are_separated_by_commas() -> None:
    assert read(ALLOWED_HOSTS="a.example, b.example,")["ALLOWED_HOSTS"] == [
        "a.example",
        "b.example",
    ]


def test_realtime_variables_become_the_dict() -> None:
    assert read(REALTIME_PING_INTERVAL="5")["REALTIME"] == {"PING_INTERVAL": 5.0}


def test_the_proxy_header_is_believed_on_request() -> None:
    header = ["HTTP_X_FORWARDED_PROTO", "https"]
    assert read(SECURE_PROXY_SSL_HEADER="1")["SECURE_PROXY_SSL_HEADER"] == header


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"SECRET_KEY": ""}, "Set SECRET_KEY to a long random text"),
        ({"DEBUG": "false"}, 'DEBUG is "false": expected 0 or 1.'),
    ],
)
def test_what_cannot_be_meant_is_said(environ: dict[str, str], sentence: str) -> None:
    done = import_settings(**environ)
    assert done.returncode != 0
    assert sentence in done.stderr
