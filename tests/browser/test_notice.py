"""The server cannot reach its store: its pages stay connected and say so, in words and by shape."""

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

from .test_status import (
    SCREENSHOTS,
    WATCH,
    button,
    close_up,
    complaints,
    log_in,
    panel,
    shows,
    status,
    told,
)

NOTE = "but limited"


@contextmanager
def write_lock(project: Project) -> Iterator[None]:
    """Nobody else writes to the database meanwhile, however long that takes."""
    with closing(sqlite3.connect(project.database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def has_note(page: Page, text: str) -> None:
    expect(status(page).locator("[part=note]")).to_have_text(text, timeout=10_000)


def health(server: Server) -> str:
    """The status that health tells, within its two seconds."""
    began = time.monotonic()
    body = httpx.get(f"{server.url}/realtime/health/", timeout=10).json()
    assert time.monotonic() - began < 2
    return str(body["status"])


def alarms(server: Server) -> list[str]:
    """What is logged at WARNING and above, and every line of a traceback."""
    quiet = (" DEBUG ", " INFO ")
    lines = [line for line in tuple(server.log) if not any(level in line for level in quiet)]
    return [line for line in lines if "realtime" in line or "Traceback" in line or line[0] == " "]


def last_code(page: Page) -> int:
    script = """async () => {
      const { connect } = await import("/static/realtime/index.js");
      return connect().stats().lastError?.code ?? 0;
    }"""
    return int(page.evaluate(script))


def photograph(page: Page, name: str) -> None:
    """In both lights, where there is little room."""
    page.set_viewport_size({"width": 320, "height": 800})
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png")
        close_up(page, f"{name}-{scheme}-close.png")
        assert complaints(page) == []
    assert button(page).evaluate("e => e.scrollWidth <= e.clientWidth"), "cut off"


def test_a_server_without_its_store_keeps_its_pages_and_says_so(
    context: BrowserContext, page: Page, template: Path, tmp_path: Path
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    own = Project.copy(
        template,
        tmp_path,
        ping_interval=1,
        store_timeout=0.4,
        flush_interval=0.2,
        sweep_interval=0.3,
        revalidate_interval=0.5,
    )
    with own.serve() as server:
        log_in(page, server)
        page.evaluate(WATCH)
        button(page).click()
        shape = status(page).locator("svg .shape:visible")
        expect(shape).to_have_class("shape connected")
        has_note(page, "")
        assert health(server) == "ok"
        alarms_before = alarms(server)
        with write_lock(own):
            has_note(page, NOTE)
            shows(page, "connected")
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
            beats = len([what for what, _ in told(page) if what == "frame"])
            page.wait_for_function("before => window.told.length >= before + 3", arg=beats)
        has_note(page, "")
        expect(shape).to_have_class("shape connected")
        shows(newcomer, "connected", within=20)
        eventually(lambda: health(server) == "ok", what="healthy")
        assert {what for what, _ in told(page)} == {"frame"}  # no other state in all that time
        lines = alarms(server)[len(alarms_before) :]
        assert [line.split("realtime.worker: ")[-1].split(":")[0][:20] for line in lines] == [
            "the store is unreach",
            "the store is back af",
        ]
