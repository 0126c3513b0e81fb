"""A server that cannot reach its store: its pages stay connected and show a note."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.support import Project, Server
from tests.polling import eventually

from .pages import SCREENSHOTS
from .status_page import (
    RECORD,
    button,
    expect_state,
    log_in,
    panel,
    recorded,
    screenshot_element,
    status,
    violations,
)

NOTE = "but limited"


@contextmanager
def write_lock(project: Project) -> Iterator[None]:
    """Lock the database: other writers wait until the end of the block."""
    with closing(sqlite3.connect(project.database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def has_note(page: Page, text: str) -> None:
    expect(status(page).locator("[part=note]")).to_have_text(text, timeout=10_000)


def health(server: Server) -> str:
    """The status of the health view, which answers within two seconds."""
    began = time.monotonic()
    body = httpx.get(f"{server.url}/realtime/health/", timeout=10).json()
    assert time.monotonic() - began < 2
    return str(body["status"])


def warnings_of(server: Server) -> list[str]:
    """Lines logged at WARNING and above, and the lines of tracebacks."""
    quiet = (" DEBUG ", " INFO ")
    lines = [line for line in tuple(server.log) if not any(level in line for level in quiet)]
    return [line for line in lines if "realtime" in line or "Traceback" in line or line[0] == " "]


def last_code(page: Page) -> int:
    script = """async () => {
      const { connect } = await import("/static/realtime/realtime-status.js");
      return connect().stats().lastError?.code ?? 0;
    }"""
    return int(page.evaluate(script))


def photograph(page: Page, name: str) -> None:
    """Save screenshots of a narrow window, light and dark."""
    page.set_viewport_size({"width": 320, "height": 800})
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png")
        screenshot_element(page, f"{name}-{scheme}-close.png")
        assert violations(page) == []
    assert button(page).evaluate("e => e.scrollWidth <= e.clientWidth"), "cut off"


def test_a_server_without_its_store_keeps_its_pages_connected(
    context: BrowserContext, page: Page, template: Path, tmp_path: Path
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    project = Project.copy(
        template,
        tmp_path,
        ping_interval=1,
        store_timeout=0.4,
        flush_interval=0.2,
        sweep_interval=0.3,
        revalidate_interval=0.5,
    )
    with project.serve() as server:
        log_in(page, server)
        page.evaluate(RECORD)
        button(page).click()
        shape = status(page).locator("svg .shape:visible")
        expect(shape).to_have_class("shape connected")
        has_note(page, "")
        assert health(server) == "ok"
        lines_before = warnings_of(server)
        with write_lock(project):
            has_note(page, NOTE)
            expect_state(page, "connected")
            expect(shape).to_have_class("shape degraded")
            expect(panel(page)).to_contain_text("the server cannot reach its data")
            expect(page.locator("#realtime-word")).to_contain_text("cannot reach its data")
            assert page.evaluate("window.client.degraded")
            assert health(server) == "degraded"
            photograph(page, "status-degraded")
            status(page).evaluate("e => e.setAttribute('lang', 'zh-Hans')")
            has_note(page, "（功能受限）")
            status(page).evaluate("e => e.setAttribute('lang', 'en')")
            newcomer = context.new_page()
            newcomer.goto(server.url)
            eventually(lambda: last_code(newcomer) == 4009, what="refused")
            beats = len([what for what, _ in recorded(page) if what == "frame"])
            page.wait_for_function("before => window.recorded.length >= before + 3", arg=beats)
        has_note(page, "")
        expect(shape).to_have_class("shape connected")
        expect_state(newcomer, "connected", within=20)
        eventually(lambda: health(server) == "ok", what="healthy")
        assert {what for what, _ in recorded(page)} == {"frame"}  # the state never changed
        lines = warnings_of(server)[len(lines_before) :]
        assert [line.split("realtime.worker: ")[-1].split(":")[0][:20] for line in lines] == [
            "the store is unreach",
            "the store is back af",
        ]
