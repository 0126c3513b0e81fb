"""The servers that are measured: how each is started, and how it is stopped."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


class ServerFailed(Exception):
    """The server did not start, or ended by itself; with the end of its log."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server runs: its port, a folder of its own, the beat interval in seconds."""

    port: int
    folder: Path
    interval: float


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of server. ``dialect`` is what the load generator has to speak to it."""

    name: str
    title: str
    dialect: str
    command: Callable[[Place], Sequence[str]]
    environ: Callable[[Place], Mapping[str, str]]
    prepare: Sequence[str] = ()


def _our_environ(place: Place) -> Mapping[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": f"sqlite:///{place.folder / 'db.sqlite3'}",
        "REALTIME_ALLOW_ANONYMOUS": "1",
        "REALTIME_PING_INTERVAL": str(place.interval),
        "REALTIME_PONG_TIMEOUT": str(min(10.0, place.interval)),
    }


OURS = Kind(
    name="ours",
    title="channels-realtime, daphne",
    dialect="realtime",
    command=lambda place: ("manage.py", "serve", "--port", str(place.port)),
    environ=_our_environ,
    prepare=("manage.py", "migrate", "--verbosity", "0"),
)

# Without the access log, which ours does not write either.
USUAL = Kind(
    name="usual",
    title="usual consumer, daphne",
    dialect="usual",
    command=lambda place: (
        *("-m", "daphne", "--bind", "127.0.0.1", "--port", str(place.port)),
        *("--verbosity", "0", "benchmarks.peers.usual:application"),
    ),
    environ=lambda place: {"INTERVAL": str(place.interval)},
)

KINDS = {kind.name: kind for kind in (OURS, USUAL)}


class Server:
    """One running server process. Its output is in ``log``."""

    def __init__(self, kind: Kind, place: Place, process: "subprocess.Popen[bytes]") -> None:
        self.kind = kind
        self.url = f"ws://127.0.0.1:{place.port}/ws/"
        self.pid = process.pid
        self._place = place
        self._process = process

    @property
    def log(self) -> str:
        """What the server has written so far."""
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
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        return "\n".join(self.log.splitlines()[-15:])


@contextlib.contextmanager
def running(kind: Kind, *, interval: float) -> Iterator[Server]:
    """A server of this kind, in a folder of its own that is gone afterwards.

    Raises ServerFailed if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        place = Place(_free_port(), Path(folder), interval)
        environ = _environ(kind, place)
        if kind.prepare:
            subprocess.run([sys.executable, *kind.prepare], env=environ, cwd=ROOT, check=True)
        with _log_of(place).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *kind.command(place)],
                env=environ,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        server = Server(kind, place, process)
        try:
            server.wait_until_up()
            yield server
        finally:
            server.stop()


def _environ(kind: Kind, place: Place) -> dict[str, str]:
    """Ours without what a developer's shell may have set for the demo."""
    strange = ("REALTIME_", "DJANGO_", "LOG_LEVEL", "DEBUG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return {**kept, "PYTHONUNBUFFERED": "1", **kind.environ(place)}


def _log_of(place: Place) -> Path:
    return place.folder / "server.log"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
