"""A browser, or its driver, as a process with a home of its own."""

import subprocess
from pathlib import Path
from typing import Any, Self

import psutil

from tests.e2e.server_support import CLEAN
from tests.polling import eventually

STARTING = 60.0  # seconds; a browser's first start on a busy machine
ENDING = 10.0


class Process:
    """A context manager; with it end the processes that it has started."""

    def __init__(self, *command: str | int | Path, folder: Path, **options: Any) -> None:
        folder.mkdir(mode=0o700)
        self._log = folder / "log"
        env = {
            **CLEAN,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            **options.pop("env", {}),
        }
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                env=env,
                stdout=log,
                stderr=log,
                **options,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        processes = self._children()
        self._process.terminate()
        _gone, alive = psutil.wait_procs([*processes, psutil.Process(self._process.pid)], ENDING)
        for process in alive:
            process.kill()
        self._process.wait()

    def _children(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children(recursive=True)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def until(self, probe: Any) -> Any:
        """Waits for what ``probe()`` returns, while the process lives."""

        def alive() -> Any:
            assert self._process.poll() is None, self.log
            return probe()

        return eventually(alive, within=STARTING, what=lambda: self.log)
