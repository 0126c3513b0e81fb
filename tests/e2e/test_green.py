"""Publishing from processes in which threads are green ones: neither they nor the ORM suffer."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.polling import eventually
from tests.redis_server import RedisServer

from .server_support import CLEAN, PYTHON, ROOT

CALLS = 40
REFUSED = (
    "ImproperlyConfigured: a process that eventlet has patched cannot publish through a channel "
    "layer: run it with gevent, threads or processes"
)


def outcomes(kind: str, server: RedisServer, folder: Path) -> list[dict[str, int]]:
    """The results of publications, kicks and queries in a process of this kind."""
    if find_spec(kind) is None:
        pytest.skip(f"{kind} is not installed")
    env = {
        **CLEAN,
        **PYTHON,
        "SECRET_KEY": "green",
        "DATABASE_URL": f"sqlite:///{folder}/green.sqlite3",
        "REDIS_URL": server.url,
        "REALTIME_STORE": server.url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.green", kind],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counted: list[dict[str, int]] = json.loads(done.stdout)
    return counted


def test_gevents_processes_publish_and_go_on(redis_server: RedisServer, tmp_path: Path) -> None:
    redis_server.flush()
    with redis_server.client() as client, client.pubsub() as heard:
        heard.psubscribe("*")
        eventually(heard.get_message, what="subscribed")
        assert outcomes("gevent", redis_server, tmp_path) == [{"done": CALLS}] * 3
        eventually(heard.get_message, what="other workers hear of it")


def test_eventlets_processes_are_refused_before_anything_is_published(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    redis_server.flush()
    done = {"done": CALLS}
    assert outcomes("eventlet", redis_server, tmp_path) == [{REFUSED: CALLS}, done, done]
    with redis_server.client() as client:
        assert client.keys("*:log:*") == []
