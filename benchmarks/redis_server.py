"""A redis-server of the benchmark's own: empty, writes nothing to disk, gone afterwards."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cores import SERVERS, pinned

START_TIMEOUT = 60.0  # against hanging


class RedisMissing(Exception):
    """There is no redis-server, or it does not start."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """Where it listens, and its process."""

    url: str
    pid: int


@contextlib.contextmanager
def redis_running(folder: Path, port: int) -> Iterator[RedisServer]:
    """A redis-server on this port, on the servers' core. Raises RedisMissing."""
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with (folder / "redis.log").open("wb") as log, contextlib.ExitStack() as stack:
        try:
            with pinned(SERVERS):
                process = subprocess.Popen(
                    [*command, "--save", "", "--appendonly", "no"], stdout=log, stderr=log
                )
        except FileNotFoundError:
            raise RedisMissing("redis-server is not installed (--store database)") from None
        stack.callback(process.wait)
        stack.callback(process.terminate)
        _wait_until_up(port, process)
        yield RedisServer(f"redis://127.0.0.1:{port}/0", process.pid)


def _wait_until_up(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.02)
    raise RedisMissing("redis-server did not start")
