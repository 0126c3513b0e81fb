"""The near end of the load generator: orders to its process, and its answers."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from .servers import ROOT, Server

STOP_TIMEOUT = 10.0


class LoadFailed(Exception):
    """The load generator has ended or does not answer."""


class Driver:
    """Sends orders and waits for the answers, each for a bounded time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin
        self._orders = process.stdin
        self._process = process
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def open(self, count: int, *, within: float) -> float:
        """Open so many connections; the seconds until the last one was let in."""
        return float(self._order({"open": count}, within)["seconds"])

    def close(self, *, within: float = 30.0) -> None:
        """Close all connections and begin to count anew."""
        self._order({"close": True}, within)

    def beats(self) -> int:
        """The pings answered so far. Raises LoadFailed if a connection was lost."""
        answer = self._order({"count": True}, 10.0)
        if answer["lost"]:
            raise LoadFailed(f"the server ended {answer['lost']} connections")
        return int(answer["beats"])

    def _order(self, order: dict[str, Any], within: float) -> dict[str, Any]:
        try:
            print(json.dumps(order), file=self._orders, flush=True)
            line = self._answers.get(timeout=within)
        except (OSError, queue.Empty):
            raise LoadFailed(f"no answer to {order} within {within:g} s") from None
        if not line:
            raise LoadFailed(f"the load generator has ended instead of doing {order}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")


@contextlib.contextmanager
def loading(server: Server, *, lifetime: float) -> Iterator[Driver]:
    """A load generator for this server, which ends by itself after ``lifetime`` seconds."""
    command = [sys.executable, "-m", "benchmarks.load", server.url, server.kind.dialect]
    process = subprocess.Popen(
        [*command, str(lifetime)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    driver = Driver(process)
    try:
        yield driver
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT)
