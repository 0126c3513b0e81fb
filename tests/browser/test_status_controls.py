"""`<realtime-status>` by keyboard, mouse and screen reader."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.support import Project, Server, free_port
from tests.polling import eventually

from .status_page import (
    button,
    expect_state,
    log_in,
    panel,
    status,
)


def active(page: Page) -> str:
    """The text of the focused control in the element; "" if the focus is elsewhere."""
    script = "document.activeElement.shadowRoot?.activeElement?.innerText ?? ''"
    return str(page.evaluate(script)).strip()


def test_the_keyboard_reaches_all_controls(page: Page, server: Server) -> None:
    log_in(page, server)
    for _ in range(20):
        page.keyboard.press("Tab")
        if "connected" in active(page):
            break
    expect(button(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(button(page)).to_have_attribute("aria-expanded", "true")
    expect(panel(page)).to_be_visible()
    walk = []
    for _ in range(6):
        page.keyboard.press("Tab")
        walk.append(active(page))
    assert walk == ["×", "Reconnect now", "Disconnect", "Ping", "Reset", "Reconnect automatically"]
    switch = status(page).get_by_role("switch")
    expect(switch).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "false")
    page.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(status(page).get_by_role("status")).to_have_text("Attempts and last error forgotten")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(status(page).get_by_role("status")).to_contain_text("Answer after")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect_state(page, "disconnected")
    assert active(page) == "Disconnect"  # a disabled control keeps the focus
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect_state(page, "connected")
    assert active(page) == "Reconnect now"
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    assert "connected" in active(page)
    expect(button(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Space")
    expect(panel(page)).to_be_visible()
    page.keyboard.press("Shift+Tab")  # the panel closes when the focus leaves it
    expect(panel(page)).to_be_hidden()


def test_a_click_elsewhere_closes_the_panel(page: Page, server: Server) -> None:
    log_in(page, server)
    button(page).click()
    panel(page).locator("[part=text]").click()
    expect(panel(page)).to_be_visible()
    page.mouse.click(5, 500)
    expect(panel(page)).to_be_hidden()
    button(page).click()
    button(page).click()
    expect(panel(page)).to_be_hidden()


def test_lasting_states_are_announced(page: Page, template: Path, tmp_path: Path) -> None:
    project = Project.copy(template, tmp_path, ping_interval=1, drain_spread=0.5)
    port = free_port()
    with project.serve(port) as server:
        log_in(page, server)
        page.evaluate(
            """() => {
              window.announced = [];
              const live = document.querySelector("realtime-status").shadowRoot
                .querySelector("[role=status]");
              new MutationObserver(() => window.announced.push(live.textContent))
                .observe(live, { childList: true, characterData: true, subtree: true });
            }"""
        )
        server.kill()
        third_or_later = re.compile(r"attempt ([3-9]|\d\d)")  # polling may miss one
        expect(page.locator("#realtime-word")).to_contain_text(third_or_later, timeout=20_000)
    with project.serve(port):
        expect_state(page, "connected", within=40)
        expected = ["Connection: connecting", "Connection: connected"]
        eventually(lambda: page.evaluate("window.announced") == expected, what="two announcements")


def test_several_elements_share_one_client_and_one_timer(page: Page, server: Server) -> None:
    log_in(page, server)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.evaluate(
        """() => {
          const set = window.setTimeout;
          window.ticks = 0;
          window.setTimeout = (call, ms) => set(() => { window.ticks += ms > 0; call(); }, ms);
          for (let i = 0; i < 5; i += 1) {
            const element = document.body.appendChild(document.createElement("realtime-status"));
            element.toggleAttribute("compact", i % 2 === 0);
          }
        }"""
    )
    words = status(page).locator("[part=word]")
    expect(words).to_have_text(["connected"] * 6)
    assert page.evaluate(
        "new Set([...document.querySelectorAll('realtime-status')].map((e) => e.client)).size === 1"
    )
    assert sockets == []
    status(page).evaluate_all("elements => elements.forEach((e) => { e.open = true; })")
    expect(status(page).locator("[part=panel]:visible")).to_have_count(6)
    began = page.evaluate("window.ticks = 0; performance.now()")
    page.wait_for_function("began => performance.now() - began > 3500", arg=began)
    # One a second of the elements' timer, and one of the watchdog.
    assert 3 <= page.evaluate("window.ticks") <= 10


def test_an_element_is_opened_before_it_is_in_the_page(page: Page, server: Server) -> None:
    log_in(page, server)
    page.evaluate(
        """() => {
          const element = document.createElement("realtime-status");
          Object.assign(element, { id: "early", open: true });
          document.body.append(element);
        }"""
    )
    early = page.locator("#early [part=panel]")
    expect(early).to_be_visible()
    assert early.evaluate("e => e.matches(':popover-open')")


def test_an_element_has_the_properties_of_before_its_definition(page: Page, server: Server) -> None:
    log_in(page, server)
    page.evaluate(
        """async () => {
          const { RealtimeClient } = await import("/static/realtime/realtime-status.js");
          // In another document the element has no class; it gets it in this page.
          const elsewhere = document.implementation.createHTMLDocument();
          const element = elsewhere.createElement("realtime-status");
          window.own = new RealtimeClient(); // does not connect
          Object.assign(element, { id: "early", client: own, open: true });
          document.body.append(element);
        }"""
    )
    early = page.locator("#early")
    expect(early.locator("[part=word]")).to_have_text("disconnected")
    expect(early.locator("[part=panel]")).to_be_visible()
    assert early.evaluate("e => e.client === own && e.open && Object.keys(e).length === 0")
    early.evaluate("e => (e.open = false)")
    expect(early.locator("[part=panel]")).to_be_hidden()
