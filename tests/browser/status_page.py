"""The demo page with `<realtime-status>` in a browser."""

from playwright.sync_api import Locator, Page, expect

from tests.e2e.support import Server
from tests.polling import eventually

from .conftest import enter
from .pages import SCREENSHOTS, axe_violations, describe

# Records the states and received frames of the page's client, with Unix times.
RECORD = """async () => {
  const { connect } = await import("/static/realtime/realtime-status.js");
  const client = (window.client = connect());
  window.recorded = [];
  const record = (what) => window.recorded.push([what, Date.now() / 1000]);
  client.addEventListener("state", ({ detail }) => {
    if (detail.state !== detail.previous) record(detail.state);
  });
  client.addEventListener("frame", ({ detail }) => detail.direction === "in" && record("frame"));
}"""


def log_in(page: Page, server: Server, *, url: str = "") -> None:
    enter(page, server, "ann", url=url)
    expect_state(page, "connected")


def status(page: Page) -> Locator:
    return page.locator("realtime-status")


def button(page: Page) -> Locator:
    return status(page).locator("[part=button]")


def panel(page: Page) -> Locator:
    return status(page).locator("[part=panel]")


def control(page: Page, name: str) -> Locator:
    return status(page).get_by_role("button", name=name, exact=True)


def expect_state(page: Page, state: str, *, within: float = 10) -> None:
    word = status(page).locator("[part=word]")
    expect(word).to_have_text(state, timeout=within * 1000)


def recorded(page: Page) -> list[tuple[str, float]]:
    return [(what, when) for what, when in page.evaluate("window.recorded")]


def time_of(page: Page, what: str, *, since: float = 0.0, within: float = 10) -> float:
    """Wait for the first record of ``what`` after ``since``, and return its time."""

    def found() -> float | None:
        return next((at for name, at in recorded(page) if name == what and at >= since), None)

    return eventually(found, within=within, what=what)


def violations(page: Page) -> list[str]:
    """Violations of accessibility on the page."""
    return describe(axe_violations(page))


def screenshot_element(page: Page, name: str) -> None:
    """Save a screenshot of the button and its panel."""
    top, bottom = button(page).bounding_box(), panel(page).bounding_box()
    assert top
    assert bottom
    y, end = top["y"] - 8, bottom["y"] + bottom["height"]
    clip = {"x": bottom["x"], "y": y, "width": bottom["width"], "height": end - y}
    page.screenshot(path=SCREENSHOTS / name, clip=clip)  # type: ignore[arg-type]
