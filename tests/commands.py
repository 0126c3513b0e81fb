"""Management commands as a test calls them: here, or as a process of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TextIO

from django.core.management import call_command
from django.db import connection

from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.transaction import Database
from tests.e2e.server_support import CLEAN, PYTHON, Process, fork
from tests.polling import TIMEOUT
from tests.store.store_fixtures import TIMEOUTS


def printed(*arguments: str) -> str:
    """A command's standard output."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@dataclass(frozen=True)
class Command:
    """A running command, and the ends of the pipes that it writes to."""

    process: Process
    stdout: TextIO
    stderr: TextIO

    def ended(self) -> tuple[int, str, str]:
        """Exit code and the rest of both outputs; waits for the end."""
        out, err = self.stdout.read(), self.stderr.read()
        return self.process.wait(TIMEOUT), out, err


@contextmanager
def process(*arguments: str, **environ: str) -> Iterator[Command]:
    """A command as a process of its own, on the database of the test; never outlives it."""
    env = {
        **CLEAN,
        **PYTHON,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        **environ,
    }
    (out, writes_out), (err, writes_err) = os.pipe(), os.pipe()
    with open(out) as stdout, open(err) as stderr:
        with open(writes_out), open(writes_err):
            running = fork(["manage.py", *arguments], env, writes_out, writes_err)
        try:
            yield Command(running, stdout, stderr)
        finally:
            running.kill()
            running.wait()


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code and all output of a command that ends by itself."""
    with process(*arguments) as running:
        return running.ended()


def registry(*, ago: float = 0.0) -> BlockingDatabaseStore:
    """The registry, to prepare what happened so many seconds ago."""
    return BlockingDatabaseStore(Database("default", clock_offset=-ago), TIMEOUTS)
