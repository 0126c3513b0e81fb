"""The near end of the load generator: orders to its process, and its answers."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cores import LOAD, pinned
from benchmarks.dialects import TEXT
from benchmarks.kinds import ROOT
from benchmarks.servers import Server, stop


class LoadFailed(Exception):
    """The load generator has ended or does not answer, or the server has let it down."""


@dataclass(frozen=True, slots=True)
class Count:
    """Pings answered since the start; how many seconds after its time the latest of those
    since the last count came."""

    beats: int
    late: float


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

    def count(self) -> Count:
        """The counts so far. Raises LoadFailed if a connection was lost."""
        answer = self._order({"count": True}, 10.0)
        if answer["lost"]:
            raise LoadFailed(f"the server ended {answer['lost']} connections")
        return Count(answer["beats"], answer["late"])

    def stall(self, count: int) -> None:
        """So many connections read nothing from now on."""
        self._order({"stall": count}, 10.0)

    def catch_up(self, *, within: float) -> None:
        """They read again; returns once they have everything."""
        self._order({"catch_up": True}, within)

    def publish(
        self, count: int, *, pause: float = 0.0, seconds: float, text: str = TEXT
    ) -> Sequence[float]:
        """Publish this text to all clients up to so many times, for at most so many seconds; how
        many seconds each took to reach the last. Raises LoadFailed if one did not reach all."""
        order = {"publish": count, "pause": pause, "seconds": seconds, "text": text}
        answer = self._order(order, seconds + 30.0)
        if answer["missing"] or not answer["durations"]:
            raise LoadFailed(f"a publication did not reach {answer['missing']} connections")
        durations: list[float] = answer["durations"]
        return durations

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
    command = [sys.executable, "-m", "benchmarks.load", server.address]
    with pinned(LOAD):
        process = subprocess.Popen(
            [*command, server.kind.dialect, str(server.interval), str(lifetime)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    driver = Driver(process)
    try:
        yield driver
    finally:
        stop(process)
