"""Management commands as a test calls them: here, or as a process of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.transaction import Database
from tests.store.store_fixtures import TIMEOUTS

ROOT = Path(__file__).resolve().parent.parent


def printed(*arguments: str) -> str:
    """A command's standard output."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@contextmanager
def process(*arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A command as a process of its own, on the database of the test; never outlives it."""
    running = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
            **environ,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code and the rest of both outputs."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code and all output of a command that ends by itself."""
    with process(*arguments) as running:
        return ended(running)


def registry(*, ago: float = 0.0) -> BlockingDatabaseStore:
    """The registry, to prepare what happened so many seconds ago."""
    return BlockingDatabaseStore(Database("default", clock_offset=-ago), TIMEOUTS)
