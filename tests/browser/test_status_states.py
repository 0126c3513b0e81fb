"""`<realtime-status>` in a browser: each state on screen, colours, languages."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.support import Project, Server, free_port

from .pages import SCREENSHOTS
from .status_page import (
    button,
    control,
    expect_state,
    log_in,
    panel,
    screenshot_element,
    status,
    violations,
)

WINDOWS = {"wide": {"width": 1000, "height": 800}, "narrow": {"width": 320, "height": 800}}


@pytest.fixture
def slow_project(template: Path, tmp_path: Path) -> Project:
    """The client is unstable after 11 s of silence and lost after 21: time for screenshots."""
    return Project.copy(
        template, tmp_path, ping_interval=1, pong_timeout=20, session_timeout=75, drain_spread=0.5
    )


@pytest.fixture
def pages(browser: Browser) -> Iterator[dict[str, Page]]:
    """Light and dark, wide and narrow; each with its own cookies."""
    contexts: list[BrowserContext] = []
    found: dict[str, Page] = {}
    for scheme in ("light", "dark"):
        for width, window in WINDOWS.items():
            context = browser.new_context(
                color_scheme=scheme,
                viewport=window,  # type: ignore[arg-type]
                locale="en-GB",
            )
            contexts.append(context)
            found[f"{scheme}-{width}"] = context.new_page()
    yield found
    for context in contexts:
        context.close()


def check_look(pages: dict[str, Page], state: str) -> None:
    """Save screenshots of the state on each page, and check accessibility and layout."""
    for page in pages.values():
        expect_state(page, state, within=20)
    for name, page in pages.items():
        page.screenshot(path=SCREENSHOTS / f"status-{state}-{name}.png")
        screenshot_element(page, f"status-{state}-{name}-close.png")
        assert violations(page) == [], (state, name)
        assert button(page).evaluate("e => e.scrollWidth <= e.clientWidth"), "cut off"
        overlap = "([b, p]) => b.getBoundingClientRect().bottom > p.getBoundingClientRect().top"
        handles = [button(page).element_handle(), panel(page).element_handle()]
        assert not page.evaluate(overlap, handles), "the panel covers its button"
        expect_state(page, state)  # it has not changed meanwhile


def test_all_states_on_all_screens(pages: dict[str, Page], slow_project: Project) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with slow_project.serve(port) as server:
        for page in pages.values():
            log_in(page, server)
            assert violations(page) == []
            button(page).click()
        for page in pages.values():  # a few latencies for the sparkline
            expect(status(page).locator(".pongs dd")).to_have_text("5", timeout=20_000)
        check_look(pages, "connected")
        server.stop(signal.SIGSTOP)
        check_look(pages, "unstable")
        server.stop(signal.SIGCONT)
        for page in pages.values():
            expect_state(page, "connected")
        server.kill()
        check_look(pages, "connecting")
    with slow_project.serve(port):
        for page in pages.values():
            # Not Playwright's click, which would wait without end if the page reconnects by itself.
            control(page, "Reconnect now").evaluate("button => button.click()")
            expect_state(page, "connected")
        for session in slow_project.sessions():
            slow_project.manage("sessions", "--close", session["id"], "--reason", "lunch time")
        check_look(pages, "disconnected")
        for page in pages.values():
            expect(panel(page)).to_contain_text("Ended: lunch time.")
            page.context.clear_cookies()  # the next connection is anonymous
            control(page, "Reconnect now").click()
        check_look(pages, "error")
        expect(panel(page)).to_contain_text("Ended: not authenticated.")


def test_forced_colours_and_reduced_motion(page: Page, server: Server) -> None:
    log_in(page, server)
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    button(page).click()
    page.screenshot(path=SCREENSHOTS / "status-forced-colours.png")
    line = status(page).locator("[part=sparkline]")
    expect(line).to_have_attribute("aria-label", re.compile("Latency of the last 1 answered"))
    shape = status(page).locator("svg .shape.connected")
    expect(shape).to_be_visible()
    assert shape.evaluate("e => getComputedStyle(e).animationName") == "none"
    expect(status(page).locator("svg .shape:visible")).to_have_count(1)


def test_languages(browser: Browser, page: Page, server: Server) -> None:
    log_in(page, server)
    status(page).evaluate("e => e.setAttribute('lang', 'zh-Hans')")
    expect_state(page, "已连接")
    button(page).click()
    expect(panel(page)).to_contain_text("一切正常")
    assert violations(page) == []
    status(page).evaluate(
        """e => {
          e.constructor.addLanguage("de", { connected: "verbunden" });
          e.removeAttribute("lang");
          document.documentElement.lang = "de-AT";
        }"""
    )
    expect_state(page, "verbunden")
    expect(panel(page)).to_contain_text("All is well")
