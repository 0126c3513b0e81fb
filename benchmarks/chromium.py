"""A page in a headless Chromium, by the DevTools protocol."""

import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from benchmarks.cores import LOAD, pinned
from benchmarks.driver import LoadFailed
from benchmarks.servers import stop

PATIENCE = 120.0  # seconds, against hanging
# Those of the tests as well.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Page:
    """One page. Every method raises LoadFailed if the browser does not answer."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._session = ""

    def open(self, url: str) -> None:
        """Returns once it has loaded; its own CPU time is counted from then on."""
        target = self.call("Target.createTarget", url=url)["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        until = time.monotonic() + PATIENCE
        loaded = "location.href !== 'about:blank' && document.readyState === 'complete'"
        while not self.evaluate(loaded):
            if time.monotonic() > until:
                raise LoadFailed(f"{url} does not load")
            time.sleep(0.05)
        # By the thread's CPU clock: another process that takes the core does not count.
        self.call("Performance.enable", timeDomain="threadTicks")

    def evaluate(self, expression: str) -> Any:
        """Its value, or that of its promise."""
        options = {"awaitPromise": True, "returnByValue": True}
        answer = self.call("Runtime.evaluate", expression=expression, **options)
        if "exceptionDetails" in answer:
            raise LoadFailed(f"the page: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def main_thread(self) -> float:
        """CPU seconds of the tasks of its main thread so far."""
        metrics = self.call("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A method of the protocol."""
        order: dict[str, Any] = {"id": next(self._ids), "method": method, "params": params}
        if self._session:
            order["sessionId"] = self._session
        try:
            self._connection.send(json.dumps(order))
            while (answer := json.loads(self._connection.recv(PATIENCE))).get("id") != order["id"]:
                pass
        except (OSError, WebSocketException) as error:
            raise LoadFailed(f"no answer of Chromium to {method}: {error}") from None
        if "error" in answer:
            raise LoadFailed(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result


@contextlib.contextmanager
def page() -> Iterator[Page]:
    """A page of a Chromium on the load generator's cores. Raises LoadFailed without one."""
    program = shutil.which("chromium")
    if program is None:
        raise LoadFailed("there is no chromium")
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as folder:
        with pinned(LOAD):
            process = subprocess.Popen(
                [program, *ARGUMENTS, "--remote-debugging-port=0", f"--user-data-dir={folder}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        try:
            with _connected(Path(folder)) as connection:
                yield Page(connection)
        finally:
            stop(process)


def _connected(folder: Path) -> ClientConnection:
    try:
        return connect(_address(folder), max_size=None, proxy=None)
    except (OSError, WebSocketException) as error:
        raise LoadFailed(f"no connection to Chromium: {error}") from None


def _address(folder: Path) -> str:
    """Of the browser's end of the protocol, which it writes down when it listens."""
    until = time.monotonic() + PATIENCE
    file = folder / "DevToolsActivePort"
    while time.monotonic() < until:
        if file.exists() and len(lines := file.read_text().splitlines()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise LoadFailed("chromium does not listen")
