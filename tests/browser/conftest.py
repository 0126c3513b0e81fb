"""A headless Chromium for the tests in this folder, and the demo project to look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e import support

CHROMIUM = "/usr/bin/chromium"
# The first two are pages behind the address bar, which would take two thirds of the time that a
# window of ours does. The others are Playwright's, whose list this one replaces.
WITHOUT = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
]
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(WITHOUT)}",
]


def enter(page: Page, server: support.Server, name: str, *, path: str = "/", url: str = "") -> None:
    """Open a page as somebody who has logged in: without a browser, which takes less time.

    ``url`` is where the browser finds the server, if not at its own address.
    """
    with support.Visitor(server) as somebody:
        cookies = somebody.login(name).http.cookies.items()
    address = url or server.url
    page.context.add_cookies([{"name": n, "value": v, "url": address} for n, v in cookies])
    page.goto(address.rstrip("/") + path)


# For this folder, not the whole session: Playwright's own event loop would be in the way
# of the asynchronous tests elsewhere.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> support.Project:
    folder = tmp_path_factory.mktemp("browser")
    return support.Project.copy(template, folder, ping_interval=1, drain_spread=0.5)


@pytest.fixture(scope="package")
def server(project: support.Project) -> Iterator[support.Server]:
    with project.serve() as process:
        yield process


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies; whatever goes wrong in its pages fails the test."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(10_000)
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert errors == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
