"""One interface to browsers of three engines. The drivers behind it speak their protocols."""

import json
from pathlib import Path
from typing import Any, Protocol


class EngineError(Exception):
    """The browser cannot do it, a script has thrown, or its page went away meanwhile."""


class Tab(Protocol):
    """A tab. Each call blocks; navigations return once the new page is loaded, except ``back`` and
    ``forward``, which engines end at different moments."""

    def goto(self, url: str) -> None: ...
    def reload(self) -> None: ...
    def back(self) -> None: ...
    def forward(self) -> None: ...
    def close(self) -> None: ...

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """Calls a JavaScript function, and awaits it; arguments and result are JSON."""

    def perform(self, *sources: dict[str, Any]) -> None:
        """Real input, as WebDriver describes it: sources with their actions."""

    def screenshot(self, path: Path) -> None:
        """Saves what the window shows as PNG."""


class Browser(Protocol):
    """A running browser without any cookies."""

    name: str

    def new_tab(self) -> Tab: ...

    def tabs(self) -> list[Tab]:
        """All of them: those of ``new_tab()`` are equal to those here."""

    def resize(self, width: int, height: int) -> None:
        """The window of every tab, in CSS pixels, at least about so large."""

    def close(self) -> None: ...


# A page answers with JSON, because each protocol has a form of its own for values.
CALL = """async (text) => {
  try {
    return JSON.stringify({ value: await (%s)(...JSON.parse(text)) });
  } catch (error) {
    return JSON.stringify({ error: `${error}` });
  }
}"""


def as_call(function: str, arguments: tuple[Any, ...]) -> tuple[str, str]:
    """A JavaScript function of a text, and that text. It calls ``function``, and returns a text."""
    return CALL % function, json.dumps(arguments)


def result(answer: str) -> Any:
    """The result of such a call. Raises EngineError if the function has thrown."""
    found = json.loads(answer)
    if "error" in found:
        raise EngineError(found["error"])
    return found.get("value")
