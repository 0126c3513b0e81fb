"""Browsers whose driver speaks WebDriver over HTTP: Chromium and WebKitGTK."""

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.e2e.support import NO_TLS, free_port

from .process import Process
from .tab import Browser, EngineError, Tab, as_call, result

# For a page that loads, or a script that waits.
ANSWER_MS = 30_000
SCRIPT = "(%s)(arguments[0]).then(arguments[1])"


class Session:
    """A session of a driver, which has one window at a time as its current one."""

    def __init__(self, driver: httpx.Client, name: str, capabilities: dict[str, Any]) -> None:
        self.name = name
        self._driver = driver
        self._path = ""
        self._current: str | None = None
        wanted = {"capabilities": {"alwaysMatch": capabilities}}
        session = self.call("POST", "/session", **wanted)
        self._path = f"/session/{session['sessionId']}"
        times = {"script": ANSWER_MS, "pageLoad": ANSWER_MS, "implicit": 0}
        self.call("POST", "/timeouts", **times)
        self._first = self.call("GET", "/window")

    def call(self, method: str, path: str, **body: Any) -> Any:
        """The value of the driver's answer. Raises EngineError for an error."""
        content = {"json": body} if method == "POST" else {}
        answer = self._driver.request(method, self._path + path, **content)  # type: ignore[arg-type]
        value = answer.json()["value"]
        if answer.is_error:
            raise EngineError(f"{value['error']}: {value['message']}")
        return value

    def call_in(self, window: str, method: str, path: str, **body: Any) -> Any:
        if self._current != window:
            self.call("POST", "/window", handle=window)
            self._current = window
        return self.call(method, path, **body)

    def close_window(self, window: str) -> None:
        self.call_in(window, "DELETE", "/window")
        self._current = None

    def new_tab(self) -> Tab:
        # An opener must be a window that exists.
        new = self.call_in(self._first, "POST", "/window/new", type="window")
        return WindowTab(self, new["handle"])

    def tabs(self) -> list[Tab]:
        handles = self.call("GET", "/window/handles")
        return [WindowTab(self, handle) for handle in handles if handle != self._first]

    def resize(self, width: int, height: int) -> None:
        self.call("POST", "/window/rect", width=width, height=height)

    def close(self) -> None:
        self.call("DELETE", "")


@dataclass(frozen=True)
class WindowTab:
    session: Session
    window: str

    def _call(self, method: str, path: str, **body: Any) -> Any:
        return self.session.call_in(self.window, method, path, **body)

    def goto(self, url: str) -> None:
        self._call("POST", "/url", url=url)

    def reload(self) -> None:
        self._call("POST", "/refresh")

    def back(self) -> None:
        self._call("POST", "/back")

    def forward(self) -> None:
        self._call("POST", "/forward")

    def close(self) -> None:
        self.session.close_window(self.window)

    def evaluate(self, function: str, *arguments: Any) -> Any:
        call, text = as_call(function, arguments)
        return result(self._call("POST", "/execute/async", script=SCRIPT % call, args=[text]))

    def perform(self, *sources: dict[str, Any]) -> None:
        self._call("POST", "/actions", actions=sources)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    options = {"binary": CHROMIUM, "args": [*ARGUMENTS, "--lang=en-GB"]}
    with driven("chromium", "chromedriver", folder, {"goog:chromeOptions": options}) as session:
        yield session


@contextmanager
def webkit(folder: Path) -> Iterator[Browser]:
    """It has no mode without a display."""
    with (
        display(folder) as number,
        driven("webkit", "WebKitWebDriver", folder, {}, DISPLAY=number) as session,
    ):
        yield session


@contextmanager
def driven(
    name: str, program: str, folder: Path, capabilities: dict[str, Any], **env: str
) -> Iterator[Session]:
    """A session of a driver with a browser that has just started."""
    port = free_port()
    with ExitStack() as stack:
        process = Process(program, f"--port={port}", folder=folder / program, env=env)
        stack.enter_context(process)
        driver = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=2 * ANSWER_MS / 1000, verify=NO_TLS
        )
        stack.enter_context(driver)
        process.until(lambda: is_ready(driver))
        session = Session(driver, name, capabilities)
        stack.callback(session.close)
        yield session


def is_ready(driver: httpx.Client) -> bool:
    try:
        return bool(driver.get("/status").json()["value"]["ready"])
    except httpx.TransportError:  # it does not listen yet
        return False


@contextmanager
def display(folder: Path) -> Iterator[str]:
    """The name of an X display of its own."""
    reading, writing = os.pipe()
    with open(reading) as numbers, ExitStack() as stack:
        with open(writing, "w"):
            command = (
                "Xvfb",
                "-displayfd",
                writing,
                "-screen",
                "0",
                "1280x1024x24",
                "-nolisten",
                "tcp",
            )
            process = Process(*command, folder=folder / "display", pass_fds=[writing])
            stack.enter_context(process)
        yield f":{numbers.readline().strip()}"
