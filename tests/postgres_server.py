"""A throwaway PostgreSQL of our own: on loopback, a free port, fast because nothing is kept."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psycopg
from django.db import connections
from psycopg.sql import SQL, Identifier

from tests.e2e.support import free_port
from tests.polling import TIMEOUT, eventually

USER = "postgres"  # also the account that it runs as where root starts it: it refuses to be root
DATABASE = "postgres"


def programs() -> Path | None:
    """The folder of the server's programs; None if it is not installed."""
    found = shutil.which("initdb")
    # Debian keeps its versions beside each other, off the PATH.
    folders = [Path(found).parent] if found else Path("/usr/lib/postgresql").glob("*/bin")
    return max((folder for folder in folders if (folder / "initdb").exists()), default=None)


class PostgresServer:
    """A cluster and its server; a context manager, and ended with this process at the latest."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.port = free_port()
        self.url = self.url_of(DATABASE)
        self.folder = Path(tempfile.mkdtemp(prefix="realtime-postgres-"))
        self._account: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._account = {"user": USER, "group": USER, "extra_groups": []}
            shutil.chown(self.folder, USER, USER)
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        self._initialise()
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def url_of(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def connect(self) -> psycopg.Connection:
        """A connection of one's own, each statement a transaction."""
        return psycopg.connect(self.url, autocommit=True, connect_timeout=int(TIMEOUT))

    def create(self, database: str, *, template: str = "template1") -> str:
        """Another database, empty or a copy; its URL."""
        with self.connect() as connection:
            command = SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(command.format(Identifier(database), Identifier(template)))
        return self.url_of(database)

    def _initialise(self) -> None:
        arguments = ("--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8")
        done = subprocess.run(
            [self.programs / "initdb", f"--username={USER}", *arguments, self.folder / "data"],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.folder,
            **self._account,
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it on the port it had before; returns when it answers."""
        assert self._process is None, "it is running"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                **self._account,
            )
        eventually(self._answers, what="PostgreSQL answers")

    def _options(self) -> tuple[str, ...]:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        return tuple(part for name, value in options.items() for part in ("-c", f"{name}={value}"))

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        with suppress(psycopg.OperationalError), self.connect():
            return True
        return False

    def stop(self) -> None:
        """End it in order, breaking the connections there are."""
        self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(TIMEOUT)
            self._process = None

    @property
    def log(self) -> str:
        """Its log."""
        return (self.folder / "log").read_text()

    def close(self) -> None:
        """End it at once and remove its folder."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)


def backends(alias: str) -> list[int]:
    """The backends of connections other than this thread's."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return [pid for (pid,) in cursor.fetchall()]
