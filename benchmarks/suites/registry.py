"""A hundred thousand sessions in a store: sweeps, the admin, and what one worker's beats cost."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.cores import LOAD, pinned
from benchmarks.driver import LoadFailed
from benchmarks.kinds import KINDS, ROOT
from benchmarks.servers import Server, running

TIMEOUT = 600.0

# Nothing dies unless the suite wants it to, and no sweep but the suite's own does its work.
SETTINGS = {
    "REALTIME_LEASE": "3600",
    "REALTIME_SESSION_TIMEOUT": "86400",
    "REALTIME_RESUME_WINDOW": "1",
    "REALTIME_SWEEP_INTERVAL": "0",
}


@dataclass(frozen=True, slots=True)
class Registry:
    """So many sessions, so many of which are reaped at once."""

    sessions: int
    reaped: int

    def run(self, *, redis: bool) -> Mapping[str, float]:
        """Fill the store of a running server and measure it from beside; figures by name.

        Raises ServerFailed or LoadFailed.
        """
        kind = KINDS["ours-daphne"]
        with running(kind, interval=25.0, redis=redis, settings=SETTINGS) as server:
            try:
                done = self._fill_and_measure(server)
            except subprocess.TimeoutExpired:
                raise LoadFailed(f"the store was not measured within {TIMEOUT:g} s") from None
            server.check()
        if done.returncode:
            raise LoadFailed(f"the store was not measured:\n{done.stderr[-2000:]}")
        figures: dict[str, float] = json.loads(done.stdout)
        return figures

    def _fill_and_measure(self, server: Server) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "benchmarks.store", server.address]
        sizes = [str(self.sessions), str(self.reaped), str(server.store_pid or 0)]
        with pinned(LOAD):
            return subprocess.run(
                [*command, *sizes],
                env=server.environ,
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
