"""A process without a worker that publishes when it is told to."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .server_support import ROOT, command
from .support import Project

# A line is a room and data.
PUBLISH = """
import json, sys
from realtime import api
for line in sys.stdin:
    api.publish(*json.loads(line))
    print("published", flush=True)
"""


class Outsider:
    """Runs a script in the project's shell, which answers every line with a line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    async def publish(self, room: str, data: Any) -> None:
        """Publish, by the script PUBLISH."""
        await self.tell(json.dumps([room, data]))

    async def tell(self, line: str) -> str:
        """Give it a line; its answer."""
        return await asyncio.to_thread(self._tell, line)

    def _tell(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer, "it has ended"
        return answer


@contextmanager
def outsider(project: Project, script: str = PUBLISH) -> Iterator[Outsider]:
    """Such a process, ended at the end."""
    arguments = command("manage.py", "shell", "--no-imports", "--command", script)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(arguments, cwd=ROOT, env=project.env, **pipes) as process:
        yield Outsider(process)
        process.kill()
