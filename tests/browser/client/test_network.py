"""Networks that fail, sleep or are slow, and a server that restarts."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.support import Project, Server, free_port
from tests.faults import Proxy
from tests.polling import eventually

from ..conftest import enter
from ..pages import WAIT_MS
from ..slow_line import SlowLine
from .client_page import expect_state, stats, take_client


def test_offline_and_online(ann: Page) -> None:
    """An offline page loses its connection in seconds, and resumes when it is online."""
    session = stats(ann)["session"]
    ann.context.set_offline(True)
    expect_state(ann, "connecting", within_ms=8000)
    ann.evaluate(
        """() => {
          const sending = client.send("chat:lobby", { text: "meanwhile", tag: "2" });
          sending.then(() => (window.sent = true));
        }"""
    )
    ann.context.set_offline(False)
    expect_state(ann, "connected")
    ann.wait_for_function("window.sent", timeout=WAIT_MS)
    assert stats(ann)["session"] == session


def test_a_message_without_ack_is_not_repeated_after_a_long_sleep(
    page: Page, project: Project, server: Server
) -> None:
    """The server published it, and the answer was lost: it must not be published twice."""
    page.clock.install()
    with Proxy(server.port) as line:
        enter(page, server, "ann", url=f"http://127.0.0.1:{line.port}")
        take_client(page)
        expect_state(page, "connected")
        page.evaluate(
            """() => {
              window.recorded = [];
              client.addEventListener("message", ({ detail }) => recorded.push(detail.data.text));
              client.join("chat:asleep");
            }"""
        )
        page.evaluate("client.send('chat:asleep', { text: 'awake', tag: '1' })")
        line.stall(requests=False)
        page.evaluate(
            """() => {
              const sending = client.send("chat:asleep", { text: "once", tag: "2" });
              sending.catch(({ code }) => (window.code = code));
            }"""
        )
        page.evaluate("void client.send('chat:asleep', { text: 'later', tag: '3' })")
        published = "SELECT 1 FROM realtime_roomentry WHERE data LIKE '%once%'"
        eventually(lambda: project.rows(published), within=10)
        page.clock.fast_forward(600_000)
        line.reset()
        line.heal()
        page.wait_for_function("recorded.length > 2", timeout=WAIT_MS)
    assert page.evaluate("[code, recorded]") == ["unknown", ["awake", "once", "later"]]


def test_a_session_closed_while_its_page_is_offline(ann: Page, project: Project) -> None:
    """The page shows the administrator's reason; ``connect()`` starts a new session."""
    session = stats(ann)["session"]
    ann.context.set_offline(True)
    expect_state(ann, "connecting", within_ms=8000)
    project.manage("sessions", "--close", session, "--reason", "back at noon")
    ann.context.set_offline(False)
    expect_state(ann, "disconnected")
    assert stats(ann)["reason"] == "back at noon"
    ann.evaluate("document.querySelector('realtime-status').lang = 'zh'")
    ann.click("realtime-status")
    expect(ann.locator("realtime-status [part=text]")).to_have_text("连接已结束：back at noon。")
    ann.evaluate("client.connect()")
    expect_state(ann, "connected")
    assert stats(ann)["session"] != session


def test_a_round_trip_of_six_seconds(page: Page, server: Server) -> None:
    """The client connects, and a probe does not lose the connection."""
    with SlowLine(server.port) as line:
        enter(page, server, "ann", url=f"http://127.0.0.1:{line.port}")
        take_client(page)
        expect_state(page, "connected")
        page.evaluate("client.disconnect()")
        line.delay = 3.0
        page.evaluate("client.connect()")
        expect_state(page, "connected", within_ms=40_000)
        page.wait_for_function("client.stats().latency > 5000", timeout=WAIT_MS)
        page.evaluate("window.states = []")
        page.evaluate("void client.on('state', ({ state }) => states.push(state))")
        page.evaluate("void dispatchEvent(new Event('offline'))")
        # The server's next ping ends the doubt, perhaps before a look at the page.
        page.wait_for_function("states.includes('unstable')", timeout=WAIT_MS)
        expect_state(page, "connected")
        assert stats(page)["lastError"] is None
        line.delay = 0.0


def test_a_restarting_server(page: Page, template: Path, tmp_path: Path) -> None:
    """The page shows the restart as the reason, not a lost connection."""
    port = free_port()
    restarted = Project.copy(template, tmp_path, drain_spread=0.2)
    with restarted.serve(port) as first:
        enter(page, first, "ann")
        take_client(page)
        expect_state(page, "connected")
        page.click("realtime-status")
        first.stop()
        page.wait_for_function("client.stats().attempts > 1", timeout=WAIT_MS)
    panel = page.locator("realtime-status [part=panel]")
    expect(panel).to_contain_text("The server is restarting.")
    expect(panel).to_contain_text(re.compile(r"server restarting \((1001|4001)\)"))
    assert stats(page)["reason"] == "server restarting"
    with restarted.serve(port):
        expect_state(page, "connected")
