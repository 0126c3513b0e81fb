"""A worker that dies, stands still, and comes back to the port it had."""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress

from tests.polling import eventually_in_thread

from ..support import Project, Server, free_port

STARTING = 60.0  # seconds
DRAINING = 10.0
EXCERPT = 100  # lines of a log, as many as a traceback has
# Application code fails when its database connection is terminated, and the log says so.
EXPECTED = ("django.db.utils.OperationalError", "psycopg.OperationalError", "psycopg.errors.")


class Worker:
    """``manage.py serve`` under one address for the whole run."""

    def __init__(self, name: str, project: Project) -> None:
        self.name = name
        self.deaths = 0
        self._log: list[str] = []
        self._project = project
        self._port = free_port()
        self._server: Server | None = None

    @property
    def door(self) -> str:
        """Where a client connects."""
        return f"ws://127.0.0.1:{self._port}/ws/"

    async def start(self) -> None:
        """Returns when it listens."""
        server = self._server = self._project.serve(self._port, server=self.name)
        await eventually_in_thread(
            lambda: server.lines_with("Serving on"), within=STARTING, what=server.log
        )

    async def stop(self) -> None:
        """SIGTERM, as in a rolling restart; returns when it has drained."""
        if self._server is not None:
            self._server.process.send_signal(signal.SIGTERM)
            with suppress(TimeoutError, subprocess.TimeoutExpired):  # killed then: it stood still
                await asyncio.to_thread(self._server.process.wait, DRAINING)
        await self.kill()

    async def kill(self) -> None:
        """``kill -9``."""
        server, self._server = self._server, None
        if server is not None:
            self.deaths += 1
            await asyncio.to_thread(server.__exit__)
            self._log += server.log

    async def freeze(self, seconds: float) -> None:
        """Let it stand still for a while."""
        if self._server is None:
            return
        pid = self._server.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    def complaints(self) -> list[str]:
        """Its unwanted log lines, over all its lives."""
        server = self._server
        lines = [*self._log, *(server.log if server else ())]
        found = [at for at, line in enumerate(lines) if "Traceback" in line or " CRITICAL " in line]
        excerpts = ["".join(lines[max(0, at - 1) : at + EXCERPT]) for at in found]
        return [excerpt for excerpt in excerpts if not any(word in excerpt for word in EXPECTED)]
