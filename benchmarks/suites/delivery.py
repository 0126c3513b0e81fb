"""Publishing and resuming: how soon a view has published, and a client has what it has missed."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.cores import LOAD, pinned
from benchmarks.driver import LoadFailed
from benchmarks.kinds import ROOT, Kind
from benchmarks.servers import Server, running

TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """So many publications, one after the other; so many missed by a client that comes back."""

    publications: int
    missed: int

    def run(self, kind: Kind, *, redis: bool) -> Mapping[str, float]:
        """Publish beside a running server; figures by name. Raises ServerFailed or LoadFailed."""
        with running(kind, interval=25.0, redis=redis) as server:
            try:
                done = self._publish(server)
            except subprocess.TimeoutExpired:
                raise LoadFailed(f"no delivery within {TIMEOUT:g} s") from None
            server.check()
        if done.returncode:
            raise LoadFailed(f"delivery was not measured:\n{done.stderr[-2000:]}")
        figures: dict[str, float] = json.loads(done.stdout)
        return figures

    def _publish(self, server: Server) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "benchmarks.delivery", server.address]
        with pinned(LOAD):
            return subprocess.run(
                [*command, str(self.publications), str(self.missed)],
                env=server.environ,
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
