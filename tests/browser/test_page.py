"""The demo page in a browser: the dot, its sessions and how they end."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.support import PASSWORD, Project, Server, free_port
from tests.polling import eventually

from .pages import SCREENSHOTS, WAIT_MS

# The page's project client; every module on the page gets the same one.
STATS = """async () => {
  const { connect } = await import("/static/realtime/realtime-status.js");
  return connect().stats();
}"""


def log_in(page: Page, server: Server, name: str = "ann") -> None:
    page.goto(server.url)
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    expect_connected(page)


def expect_connected(page: Page) -> None:
    expect_state(page, "connected")
    expect(page.locator("#realtime-word")).to_have_text("connected")


def expect_state(page: Page, state: str) -> None:
    dot = page.locator("#realtime-dot")
    expect(dot).to_have_attribute("data-state", state, timeout=WAIT_MS)


def stats(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(STATS)
    return found


def session_of(page: Page) -> str:
    expect_connected(page)
    return str(stats(page)["session"])


def colour(page: Page) -> tuple[int, int, int]:
    """The most vivid colour in a screenshot of the dot."""
    picture = page.locator("#realtime-dot").screenshot()
    script = """async (bytes) => {
      const blob = new Blob([new Uint8Array(bytes)], { type: "image/png" });
      const image = await createImageBitmap(blob);
      const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
      canvas.drawImage(image, 0, 0);
      const { data } = canvas.getImageData(0, 0, image.width, image.height);
      let best = [0, 0, 0];
      const vivid = ([r, g, b]) => Math.max(r, g, b) - Math.min(r, g, b);
      for (let i = 0; i < data.length; i += 4) {
        const pixel = [data[i], data[i + 1], data[i + 2]];
        if (vivid(pixel) > vivid(best)) best = pixel;
      }
      return best;
    }"""
    red, green, blue = page.evaluate(script, list(picture))
    return red, green, blue


# The dot


def test_the_dot_is_green(page: Page, project: Project, server: Server) -> None:
    log_in(page, server)
    red, green, blue = colour(page)
    assert green > red + 40
    assert green > blue + 40
    assert project.state(session_of(page)) == "connected"


def test_a_restarted_server_resumes_the_session(page: Page, template: Path, tmp_path: Path) -> None:
    """Yellow with a count of attempts; then green without a reload, in the same session."""
    port = free_port()
    project = Project.copy(template, tmp_path, ping_interval=1, drain_spread=0.5)
    with project.serve(port) as first:
        log_in(page, first)
        session = session_of(page)
        page.evaluate("window.neverReloaded = true")
        first.stop()
        assert first.exit_code() == 0
    expect_state(page, "connecting")
    word = page.locator("#realtime-word")
    for attempts in ("[2-9]", "[3-9]"):
        expected = re.compile(f"connecting, attempt {attempts}")
        expect(word).to_have_text(expected, timeout=WAIT_MS)
    red, green, blue = colour(page)
    assert min(red, green) > blue + 60
    with project.serve(port):
        expect_connected(page)
        assert session_of(page) == session
        assert page.evaluate("window.neverReloaded") is True


def test_a_killed_server_is_noticed(page: Page, template: Path, tmp_path: Path) -> None:
    port = free_port()
    project = Project.copy(template, tmp_path, ping_interval=1)
    with project.serve(port) as first:
        log_in(page, first)
        session = session_of(page)
        first.kill()
        expect_state(page, "connecting")
    with project.serve(port):
        assert session_of(page) == session


# Sessions


def test_a_second_page_keeps_the_session(page: Page, project: Project, server: Server) -> None:
    log_in(page, server)
    session = session_of(page)
    page.reload()
    assert session_of(page) == session
    page.click("text=Change password")
    expect(page.locator("h1")).to_have_text("Change password")
    page.click("a.brand")
    assert session_of(page) == session
    page.go_back()
    page.go_back()
    assert session_of(page) == session
    assert project.state(session) == "connected"


def test_a_duplicated_tab_has_its_own_session(
    context: BrowserContext, page: Page, project: Project, server: Server
) -> None:
    """A tab opened by script starts with a copy of this tab's sessionStorage."""
    log_in(page, server)
    session = session_of(page)
    with context.expect_page() as opened:
        page.evaluate("window.open(location.href)")
    other = session_of(opened.value)
    assert other != session
    assert session_of(page) == session
    page.reload()
    opened.value.reload()
    assert (session_of(page), session_of(opened.value)) == (session, other)
    assert (project.state(session), project.state(other)) == ("connected", "connected")


def test_a_closed_tab_is_suspended_at_once(page: Page, project: Project, server: Server) -> None:
    log_in(page, server)
    session = session_of(page)
    page.close()
    eventually(lambda: project.state(session) == "suspended")


# Ends


def test_logging_out_in_one_tab_ends_the_other(
    context: BrowserContext, page: Page, project: Project, server: Server
) -> None:
    log_in(page, server)
    other = context.new_page()
    other.goto(server.url)
    session = session_of(other)
    page.bring_to_front()
    page.click("text=Log out")
    expect(page.locator("h2")).to_have_text("Log in")
    expect(other.locator("#realtime-dot")).not_to_have_attribute("data-state", "connected")
    expect(other.locator("#realtime-word")).to_contain_text("logged out")
    assert project.history(session)["code"] == 4503


def test_a_disconnection_shows_its_reason(page: Page, project: Project, server: Server) -> None:
    log_in(page, server)
    project.manage("sessions", "--close", session_of(page), "--reason", "lunch time")
    expect(page.locator("#realtime-word")).to_contain_text("lunch time")
    assert stats(page)["state"] in ("error", "disconnected")


# Appearance


CLOCK = re.compile(r"\d\d:\d\d:\d\d")


def test_all_times_have_one_clock(browser: Browser, server: Server) -> None:
    """24 hours for a visitor whose browser has twelve: in the chat, the frames, the element."""
    context = browser.new_context(locale="en-US", timezone_id="Asia/Shanghai")
    page = context.new_page()
    log_in(page, server)
    page.fill("#chat-text", "what time is it?")
    page.press("#chat-text", "Enter")
    message = page.locator("#chat-messages li", has_text="what time is it?")
    expect(message.locator("time")).to_have_text(CLOCK)
    expect(page.locator("#realtime-wire time").first).to_have_text(CLOCK)
    page.locator("realtime-status").get_by_role("button").first.click()
    panel = page.locator("realtime-status [part=panel]")
    expect(panel).to_contain_text(CLOCK)
    expect(panel).not_to_contain_text(re.compile("[AP]M"))
    assert not re.search(r"\d [AP]M", page.locator("body").inner_text())
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_their_window(
    browser: Browser, project: Project, scheme: Any, tmp_path: Path
) -> None:
    """Saves screenshots in ``build/screenshots``; checks that pages fit their width."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1000, "height": 800})
    page = context.new_page()

    def shoot(name: str) -> None:
        for width in (1000, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}-{width}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width

    with project.serve() as server:
        page.goto(server.url)
        shoot("login")
        log_in(page, server, "admin")
        shoot("connected")
        page.goto(server.url + "/accounts/password_change/")
        shoot("password")
        page.goto(server.url + "/admin/realtime/livesession/")
        page.set_viewport_size({"width": 1000, "height": 800})
        page.screenshot(path=SCREENSHOTS / f"admin-{scheme}.png")
        page.goto(server.url)
        expect_connected(page)
    expect(page.locator("#realtime-word")).to_contain_text("attempt")
    shoot("connecting")
    context.close()
