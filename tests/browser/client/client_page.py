"""A page whose client is in ``window.client``."""

from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Frame, Page

from tests.e2e.support import Server

from ..pages import WAIT_MS


def take_client(page: Page | Frame, url: str = "") -> None:
    """Connect the page's client, and set ``window.client`` and ``window.connect``."""
    page.evaluate(
        """async (url) => {
          const { connect } = await import(`${url}/static/realtime/realtime.js`);
          Object.assign(window, { connect, client: connect() });
        }""",
        url,
    )


def expect_state(page: Page, state: str, *, within_ms: int = WAIT_MS) -> None:
    page.wait_for_function("(state) => client.state === state", arg=state, timeout=within_ms)


def stats(page: Page, client: str = "client") -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(f"{client}.stats()")
    return found


def bare(server: Server, body: str, **policy: str) -> str:
    """The address of a page that consists of this body, with the ``policy`` if there is one."""
    return f"{server.url}/bare/?{urlencode({'body': '<!doctype html>' + body, **policy})}"
