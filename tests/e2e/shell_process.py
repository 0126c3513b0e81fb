"""A process of the project without a worker, as a task queue or a shell is one."""

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


class ShellProcess:
    """Runs a script in the project's shell; the script answers every line with a line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    async def publish(self, room: str, data: Any) -> None:
        """Publish ``data`` with the script PUBLISH; returns once ``api.publish`` has returned."""
        await self.request(json.dumps([room, data]))

    async def request(self, line: str) -> str:
        """Write a line to the script and return the line that it answers with."""
        return await asyncio.to_thread(self._request, line)

    def _request(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer, "the script has ended"
        return answer


@contextmanager
def shell_process(project: Project, script: str = PUBLISH) -> Iterator[ShellProcess]:
    """Start the script, and kill its process at the end."""
    arguments = command("manage.py", "shell", "--no-imports", "--command", script)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(arguments, cwd=ROOT, env=project.env, **pipes) as process:
        yield ShellProcess(process)
        process.kill()
