"""The admin's list of live sessions in a browser."""

from collections.abc import Callable

from playwright.sync_api import Error, Locator, Page, expect

from tests.e2e.support import Server
from tests.polling import eventually

from ..conftest import enter
from ..pages import SCREENSHOTS, axe_violations, describe

NewPage = Callable[..., Page]
LIST = "/admin/realtime/livesession/"
UPDATE_SECONDS = 4.0  # two are promised, the rest is for a busy machine
UPDATE_MS = UPDATE_SECONDS * 1000


def open_list(page: Page, server: Server, name: str = "admin") -> Page:
    """Log in and open the list of live sessions."""
    enter(page, server, name, path=LIST)
    expect(page.locator("h1")).to_have_text("Live sessions")
    return page


def open_demo(page: Page, server: Server, name: str = "ann") -> Page:
    """Log in and open the demo; wait until it is connected."""
    enter(page, server, name)
    expect(page.locator("#realtime-dot")).to_have_attribute("data-state", "connected")
    return page


def rows(page: Page, user: str = "") -> Locator:
    """The rows of the list; with ``user``, only those of this user."""
    found = page.locator("[data-live=table] tbody tr")
    return found.filter(has=page.get_by_role("rowheader", name=user, exact=True)) if user else found


def total_of(page: Page, name: str) -> Locator:
    return page.locator(f'[data-total="{name}"] dd')


def total_text(page: Page, name: str) -> str:
    return total_of(page, name).inner_text().strip()


def as_of(page: Page) -> str:
    """The time of the numbers on the page."""
    return page.locator("[data-as-of]").inner_text()


def wait_for_refresh(page: Page) -> None:
    """Wait until the page shows newer numbers."""
    before = as_of(page)
    eventually(lambda: as_of(page) != before, within=UPDATE_SECONDS, what="newer numbers")


def violations(page: Page) -> list[str]:
    """Serious violations of accessibility in the app's part of the page."""
    found = axe_violations(page, "#content-main")
    return describe([one for one in found if one["impact"] in ("serious", "critical")])


def photograph(page: Page, name: str) -> None:
    """Save a screenshot for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"admin-{name}.png"
    try:
        page.screenshot(path=path)
    except Error:  # a busy machine may have no frame to capture yet
        page.wait_for_timeout(500)
        page.screenshot(path=path)
