"""A real redis-server of our own: on loopback, a free port, nothing kept between starts."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.e2e.support import free_port
from tests.polling import TIMEOUT, eventually


class RedisServer:
    """A redis-server process; a context manager, and ended with this process at the latest.

    Extra ``arguments`` are its own: ``"--maxmemory", "10mb"``. With ``snapshots`` an
    orderly stop, or a SAVE, writes its data into its folder, and the next start reads them.
    ``env`` is added to its environment.
    """

    def __init__(
        self, *arguments: str, snapshots: bool = False, env: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._env = {**os.environ, **(env or {})}
        self._arguments = (*(("--save", "3600", "1") if snapshots else ("--save", "")), *arguments)
        self._folder = tempfile.TemporaryDirectory(prefix="realtime-redis-")
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def client(self, **options: Any) -> redis.Redis:
        """A client without retries; ``with`` it, so that its connections are closed."""
        usual = {"port": self.port, "socket_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0)}
        return redis.Redis(**{**usual, **options})

    def start(self) -> None:
        """Start it on the port it had before; returns when it answers."""
        assert self._process is None, "it is running"
        self._process = subprocess.Popen(
            ["redis-server", *self._options(), *self._arguments],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        with self.client() as client:
            eventually(lambda: self._answers(client), what="Redis answers")

    def _options(self) -> tuple[str, ...]:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self._folder.name,
            "logfile": "redis.log",
            "appendonly": "no",
        }
        return tuple(part for name, value in options.items() for part in (f"--{name}", f"{value}"))

    def _answers(self, client: redis.Redis) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        with suppress(redis.ConnectionError):  # not listening yet, or still loading
            return bool(client.ping())
        return False

    def stop(self) -> None:
        """End it in order; frozen or not."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """``kill -9``: nothing is written."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(TIMEOUT)
            self._process = None

    def freeze(self) -> None:
        """Stop the process as it stands: connections stay, nothing is answered."""
        assert self._process is not None, "it is not running"
        self._process.send_signal(signal.SIGSTOP)
        process = psutil.Process(self._process.pid)
        eventually(lambda: process.status() == psutil.STATUS_STOPPED, what="it stands still")

    def thaw(self) -> None:
        """Let it go on, and wait until it answers."""
        assert self._process is not None, "it is not running"
        self._process.send_signal(signal.SIGCONT)
        with self.client() as client:
            assert client.ping()

    def forget(self) -> None:
        """Remove what it has written, so that the next start finds nothing."""
        assert self._process is None, "it is running"
        for path in Path(self._folder.name).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def flush(self) -> None:
        """Empty it."""
        with self.client() as client:
            client.flushall()

    @property
    def log(self) -> str:
        """Its log."""
        path = Path(self._folder.name, "redis.log")
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        """Kill it and remove its folder."""
        self.kill()
        self._folder.cleanup()
        atexit.unregister(self.close)
