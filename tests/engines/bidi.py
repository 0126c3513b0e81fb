"""Firefox, which speaks WebDriver BiDi itself."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from .process import Process
from .tab import Browser, EngineError, Tab, as_call, result

ANSWER = 60.0  # seconds
# Firefox's own: what tests need of the settings that a remote session would make. Among the others
# is one that ignores the network's state.
PREFERENCES = {
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.sessionstore.resume_from_crash": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.disable_open_during_load": False,
    "network.manage-offline-status": True,
    "remote.prefs.recommended": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Session:
    """A session over one socket, with a command at a time."""

    def __init__(self, socket: ClientConnection) -> None:
        self.name = "firefox"
        self._socket = socket
        self._commands = 0
        self.call("session.new", capabilities={})
        self._first = self._contexts()
        self._size: dict[str, int] | None = None

    def call(self, method: str, **params: Any) -> Any:
        """The result of a command. Raises EngineError for an error."""
        self._commands += 1
        self._socket.send(json.dumps({"id": self._commands, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(ANSWER))
            if answer.get("id") == self._commands:
                break
        if answer["type"] == "error":
            raise EngineError(f"{answer['error']}: {answer['message']}")
        return answer["result"]

    def new_tab(self) -> Tab:
        context = self.call("browsingContext.create", type="tab")["context"]
        self._fit(context)
        return ContextTab(self, context)

    def tabs(self) -> list[Tab]:
        new = (context for context in self._contexts() if context not in self._first)
        return [ContextTab(self, context) for context in new]

    def resize(self, width: int, height: int) -> None:
        self._size = {"width": width, "height": height}
        for context in self._contexts():
            self._fit(context)

    def close(self) -> None:
        self.call("browser.close")

    def _fit(self, context: str) -> None:
        if self._size:
            self.call("browsingContext.setViewport", context=context, viewport=self._size)

    def _contexts(self) -> list[str]:
        return [each["context"] for each in self.call("browsingContext.getTree")["contexts"]]


@dataclass(frozen=True)
class ContextTab:
    session: Session
    context: str

    def _call(self, method: str, **params: Any) -> Any:
        return self.session.call(method, context=self.context, **params)

    def goto(self, url: str) -> None:
        self._call("browsingContext.navigate", url=url, wait="complete")

    def reload(self) -> None:
        self._call("browsingContext.reload", wait="complete")

    def back(self) -> None:
        self._call("browsingContext.traverseHistory", delta=-1)

    def forward(self) -> None:
        self._call("browsingContext.traverseHistory", delta=1)

    def close(self) -> None:
        self._call("browsingContext.close")

    def evaluate(self, function: str, *arguments: Any) -> Any:
        call, text = as_call(function, arguments)
        answer = self.session.call(
            "script.callFunction",
            functionDeclaration=call,
            arguments=[{"type": "string", "value": text}],
            target={"context": self.context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise EngineError(answer["exceptionDetails"]["text"])
        return result(answer["result"]["value"])

    def perform(self, *sources: dict[str, Any]) -> None:
        self._call("input.performActions", actions=sources)

    def screenshot(self, path: Path) -> None:
        data = self._call("browsingContext.captureScreenshot")["data"]
        path.write_bytes(base64.b64decode(data))


@contextmanager
def firefox(folder: Path) -> Iterator[Browser]:
    profile = folder / "profile"
    profile.mkdir()
    lines = (
        f"user_pref({json.dumps(name)}, {json.dumps(value)});"
        for name, value in PREFERENCES.items()
    )
    (profile / "user.js").write_text("\n".join(lines))
    command = ("firefox-esr", "--headless", "--no-remote", "--profile", profile)
    address = profile / "WebDriverBiDiServer.json"

    def port() -> int:
        return int(json.loads(address.read_text() or "{}").get("ws_port", 0))

    with Process(*command, "--remote-debugging-port", 0, folder=folder / "firefox") as process:
        process.until(address.exists)
        url = f"ws://127.0.0.1:{process.until(port)}/session"
        with connect(url, max_size=None, compression=None, proxy=None) as socket:
            session = Session(socket)
            yield session
            session.close()
