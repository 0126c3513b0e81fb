"""Starting and stopping the servers that are measured, each on the servers' core."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.cores import SERVERS, pinned
from benchmarks.kinds import ROOT, Kind, Place
from benchmarks.redis_server import redis_running

START_TIMEOUT = 120.0  # against hanging: a new interpreter on a busy machine takes long
STOP_TIMEOUT = 10.0

# Variables that a developer's shell may have set for the demo.
STRANGE = ("REALTIME_", "DJANGO_", "REDIS_", "LOG_LEVEL", "DEBUG")


class ServerFailed(Exception):
    """The server did not start, or ended by itself; with the end of its log."""


class Server:
    """One running server process. Its output is in ``log``; ``store_pid`` is its Redis, if any."""

    def __init__(
        self,
        kind: Kind,
        place: Place,
        process: "subprocess.Popen[bytes]",
        environ: Mapping[str, str],
        *,
        store_pid: int | None,
    ) -> None:
        self.kind = kind
        self.interval = place.interval
        self.address = f"127.0.0.1:{place.port}"
        self.pid = process.pid
        self.environ = environ
        self.store_pid = store_pid
        self._place = place
        self._process = process

    @property
    def log(self) -> str:
        """The server's output so far."""
        return _log_of(self._place).read_text(errors="replace")

    def wait_until_up(self) -> None:
        """Return once it accepts connections. Raises ServerFailed."""
        until = time.monotonic() + START_TIMEOUT
        while time.monotonic() < until:
            self.check()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self._place.port), timeout=1).close()
                return
            time.sleep(0.1)
        raise ServerFailed(f"{self.kind.name} did not start:\n{self._last_words()}")

    def check(self) -> None:
        """Raises ServerFailed if the process has ended."""
        if self._process.poll() is not None:
            raise ServerFailed(f"{self.kind.name} has ended:\n{self._last_words()}")

    def stop(self) -> None:
        """Ask it to stop; kill it if it does not."""
        stop(self._process)

    def _last_words(self) -> str:
        return "\n".join(self.log.splitlines()[-15:])


def stop(process: "subprocess.Popen[Any]") -> None:
    """Ask a process to end; kill it if it does not."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running(
    kind: Kind, *, interval: float, redis: bool, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server of this kind, in a folder of its own that is gone afterwards.

    With ``redis`` one of ours has a Redis of its own for its store, otherwise its database;
    ``settings`` are environment variables on top. Raises ServerFailed, RedisMissing.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        store = None
        if redis and kind.is_ours:
            store = stack.enter_context(redis_running(folder, free_port()))
        place = Place(free_port(), folder, interval, store.url if store else "")
        environ = {**_environ(kind, place), **(settings or {})}
        process = _start(kind, place, environ)
        server = Server(kind, place, process, environ, store_pid=store.pid if store else None)
        stack.callback(server.stop)
        server.wait_until_up()
        yield server


def _start(kind: Kind, place: Place, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    if kind.prepare and subprocess.run(kind.prepare, env=environ, cwd=ROOT, check=False).returncode:
        raise ServerFailed(f"{kind.name} could not be prepared")
    with _log_of(place).open("wb") as log, pinned(SERVERS):
        return subprocess.Popen(
            kind.command(place),
            env=environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _environ(kind: Kind, place: Place) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STRANGE)}
    return {**kept, "PYTHONUNBUFFERED": "1", **kind.environ(place)}


def _log_of(place: Place) -> Path:
    return place.folder / "server.log"


def free_port() -> int:
    """A free TCP port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
