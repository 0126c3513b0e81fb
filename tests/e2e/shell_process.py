"""A process of the project without a worker, as a task queue or a shell is one."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from .server_support import fork
from .support import Project

STDERR = 2  # this process's own

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

    def __init__(self, questions: TextIO, answers: TextIO) -> None:
        self._questions = questions
        self._answers = answers

    async def publish(self, room: str, data: Any) -> None:
        """Publish ``data`` with the script PUBLISH; returns once ``api.publish`` has returned."""
        await self.request(json.dumps([room, data]))

    async def request(self, line: str) -> str:
        """Write a line to the script and return the line that it answers with."""
        return await asyncio.to_thread(self.ask, line)

    def ask(self, line: str) -> str:
        """The same; blocks the thread."""
        self._questions.write(f"{line}\n")
        self._questions.flush()
        answer = self._answers.readline().strip()
        assert answer, "the script has ended"
        return answer


@contextmanager
def shell_process(project: Project, script: str = PUBLISH) -> Iterator[ShellProcess]:
    """Start the script, and kill its process at the end."""
    arguments = ["manage.py", "shell", "--no-imports", "--command", script]
    (reads, questions), (answers, writes) = os.pipe(), os.pipe()
    with open(questions, "w") as asking, open(answers) as answered:
        with open(reads), open(writes):
            process = fork(arguments, project.env, writes, STDERR, reads)
        try:
            yield ShellProcess(asking, answered)
        finally:
            process.kill()
            process.wait()
