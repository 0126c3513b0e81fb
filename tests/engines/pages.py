"""Looking at pages, and using them with a mouse and a keyboard, in any engine."""

from typing import Any

from tests.e2e.support import PASSWORD, Server
from tests.polling import eventually

from .tab import EngineError, Tab

WITHIN = 40.0  # seconds; a client waits up to 30 s between attempts
ENTER, ESCAPE = "\ue007", "\ue00c"

# The element of a path: selectors, each in the shadow tree of the one before.
FIND = """(path) => path.reduce(
  (found, one) => (found.shadowRoot ?? found).querySelector(one),
  document,
)"""
CENTRE = f"""(path) => {{
  const element = ({FIND})(path);
  element.scrollIntoView({{ block: "nearest" }});
  const {{ x, y, width, height }} = element.getBoundingClientRect();
  return [x + width / 2, y + height / 2].map(Math.round);
}}"""
TEXT = f"""(path) => {{
  const element = ({FIND})(path);
  return element.checkVisibility() ? element.innerText : "";
}}"""
CLIENT = "document.querySelector('realtime-status').client"


def click(tab: Tab, *path: str) -> None:
    x, y = tab.evaluate(CENTRE, path)
    actions = [
        {"type": "pointerMove", "x": x, "y": y, "duration": 0},
        {"type": "pointerDown", "button": 0},
        {"type": "pointerUp", "button": 0},
    ]
    mouse = {"pointerType": "mouse"}
    tab.perform({"type": "pointer", "id": "mouse", "parameters": mouse, "actions": actions})


def press(tab: Tab, *keys: str) -> None:
    kinds = ("keyDown", "keyUp")
    actions = [{"type": kind, "value": key} for key in keys for kind in kinds]
    tab.perform({"type": "key", "id": "keyboard", "actions": actions})


def write(tab: Tab, path: str, text: str, *keys: str) -> None:
    """Types into a field, and then these keys."""
    click(tab, path)
    press(tab, *text, *keys)


def value(tab: Tab, function: str, *arguments: Any) -> Any:
    """The result of a function; None while the page is being replaced or lacks something."""
    try:
        return tab.evaluate(function, *arguments)
    except EngineError:
        return None


def expect(tab: Tab, function: str, *arguments: Any, within: float = WITHIN) -> Any:
    """Waits until the function returns something true."""

    def state() -> Any:
        try:
            found = tab.evaluate(function, *arguments)
        except EngineError as error:
            found = error
        page = value(tab, "() => [location.href, document.body.innerText]")
        return function, arguments, found, page

    return eventually(lambda: value(tab, function, *arguments), within=within, what=state)


def expect_text(tab: Tab, text: str, *path: str) -> None:
    """Waits until a visible element has the text in it."""
    expect(tab, f"(path, text) => ({TEXT})(path).includes(text)", path, text)


def expect_state(tab: Tab, state: str) -> None:
    expect(tab, f"(state) => {CLIENT}.state === state", state)


def stats(tab: Tab) -> dict[str, Any]:
    found: dict[str, Any] = tab.evaluate(f"() => {CLIENT}.stats()")
    return found


def session(tab: Tab) -> str:
    """The session of the page, which is connected then."""
    expect_state(tab, "connected")
    return str(stats(tab)["session"])


def log_in(tab: Tab, server: Server, name: str = "ann", *, url: str = "") -> None:
    tab.goto(f"{url or server.url}/accounts/login/?next=/")
    write(tab, "#id_username", name)
    write(tab, "#id_password", PASSWORD, ENTER)
    expect_state(tab, "connected")
