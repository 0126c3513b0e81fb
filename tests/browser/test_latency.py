"""How long a page takes until its dot is green on a slow line: prints the figures, for reports."""

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.support import Project, Server

from .slow_line import SlowLine

RUNS = 5
LATENCIES_MS = (0, 150, 300)
BODY = """<!doctype html><title>A dot</title><realtime-status></realtime-status>
<script type="module" src="/static/realtime/realtime-status.js"></script>"""
CONNECTED = "document.querySelector('realtime-status').client?.state === 'connected'"
# Since the navigation began, which is before the page is asked for.
TOOK_MS = """document.querySelector('realtime-status').client.stats().stateSince
             - performance.timeOrigin"""


def delay_by_devtools(page: Page, latency_ms: int) -> None:
    """Answers come late, that to the socket's handshake included; the socket's frames do not."""
    devtools = page.context.new_cdp_session(page)
    conditions = {"latency": latency_ms, "downloadThroughput": -1, "uploadThroughput": -1}
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", {"offline": False, **conditions})


def took(page: Page, url: str) -> float:
    page.goto(url)
    page.wait_for_function(CONNECTED)
    return float(page.evaluate(TOOK_MS))


@pytest.fixture(scope="module")
def served(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"DJANGO_SETTINGS_MODULE": "tests.browser.bytes_settings"}
    folder = tmp_path_factory.mktemp("latency")
    with Project.copy(template, folder, environ=settings, allow_anonymous=1).serve() as server:
        yield server


@pytest.mark.matrix
@pytest.mark.parametrize("latency_ms", LATENCIES_MS)
@pytest.mark.parametrize("by", ["devtools", "line"])
def test_time_until_connected(
    by: str, latency_ms: int, browser: Browser, served: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the browser's own emulation, and over a line that delays all data in both directions."""
    times = []
    with SlowLine(served.port) as line:
        line.delay = latency_ms / 2000
        port = line.port if by == "line" else served.port
        for _ in range(RUNS):
            with browser.new_context() as context:  # its cache and connections are empty
                page = context.new_page()
                if by == "devtools":
                    delay_by_devtools(page, latency_ms)
                times.append(took(page, f"http://127.0.0.1:{port}/bare/?body={quote(BODY)}"))
    with capsys.disabled():
        median, worst = statistics.median(times), max(times)
        sys.stdout.write(f"\n{by}, {latency_ms} ms: median {median:.0f} ms, worst {worst:.0f} ms ")
