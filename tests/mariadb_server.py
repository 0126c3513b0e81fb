"""A real MariaDB of our own: on loopback, a free port, nothing kept."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import pymysql

from tests.e2e.support import free_port
from tests.polling import TIMEOUT, eventually

# Debian keeps the server off an ordinary user's PATH.
PATH = os.environ.get("PATH", "") + ":/usr/sbin"


class MariaServer:
    """A mariadbd process with one empty database; a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"mysql://root@127.0.0.1:{self.port}/realtime"
        self._folder = tempfile.TemporaryDirectory(prefix="realtime-mariadb-")
        self._data = Path(self._folder.name) / "data"
        self._log = Path(self._folder.name) / "log"

    def __enter__(self) -> Self:
        self._run(
            "mariadb-install-db", "--skip-test-db", "--auth-root-authentication-method=normal"
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["mariadbd", *self._options(), f"--port={self.port}", "--bind-address=127.0.0.1"],
                env={**os.environ, "PATH": PATH},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(self._answers, within=60, what=self._log)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(TIMEOUT)
        self._folder.cleanup()

    def _options(self) -> list[str]:
        account = ["--user=root"] if os.geteuid() == 0 else []
        folder = self._folder.name
        place = [f"--datadir={self._data}", f"--socket={folder}/s"]
        quick = ["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--skip-name-resolve"]
        return ["--no-defaults", *account, *place, *quick]

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            [command[0], *self._options(), *command[1:]],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": PATH},
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            connection = pymysql.connect(host="127.0.0.1", port=self.port, user="root")
        except pymysql.OperationalError:
            return False
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE realtime CHARACTER SET utf8mb4")
        return True
