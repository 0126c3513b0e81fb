"""A headless Chromium for the tests in this folder, and a server of the demo project."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from benchmarks import chromium
from tests.e2e import support

# Against hanging: a busy machine has taken more than Playwright's own five seconds for a page.
expect.set_options(timeout=20_000)

CHROMIUM = "/usr/bin/chromium"
# The first two are pages behind the address bar, which take two thirds of the time of a new
# window. The others are in Playwright's own list, which this one replaces.
DISABLED_FEATURES = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
]
ARGUMENTS = [*chromium.ARGUMENTS, f"--disable-features={','.join(DISABLED_FEATURES)}"]


def enter(page: Page, server: support.Server, name: str, *, path: str = "/", url: str = "") -> None:
    """Open a page as a logged-in user. The login itself needs no browser, which is faster.

    ``url`` replaces the server's own address, for a browser behind a proxy.
    """
    with support.Visitor(server) as visitor:
        cookies = visitor.login(name).http.cookies.items()
    address = url or server.url
    page.context.add_cookies([{"name": n, "value": v, "url": address} for n, v in cookies])
    page.goto(address.rstrip("/") + path)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """A browser. Meanwhile Playwright's event loop runs in this thread, and no other one can."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


# Package scope, so that it ends before asynchronous tests of other packages. Imported into a module
# pytest would keep it for the whole session.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with running_chromium() as chromium:
        yield chromium


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
    """A browser context without cookies. Errors in its pages fail the test."""
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
