"""The panel of `<realtime-status>`: facts, in the page's flow, in low windows, right to left."""

import re
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.support import Project, Server

from .pages import SCREENSHOTS, axe_violations, describe
from .status_page import button, control, expect_state, log_in, panel, status

INLINE = """(attributes) => {
  const element = document.createElement("realtime-status");
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.id = "inline";
  document.querySelector("main").prepend(element);
}"""


def fact(page: Page, name: str) -> Locator:
    return status(page).locator(f".{name} dd")


def box(of: Locator) -> dict[str, float]:
    found = of.bounding_box()
    assert found
    x, y, height = found["x"], found["y"], found["height"]
    return {"y": y, "height": height, "right": x + found["width"], "bottom": y + height}


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def test_the_facts(page: Page, server: Server) -> None:
    log_in(page, server)
    button(page).click()
    expect(fact(page, "network")).to_have_text("WebSocket")
    expect(fact(page, "reconnects")).to_have_text("0")
    expect(fact(page, "pending")).to_have_text("0")
    for name in ("since", "lastPing", "lastPong"):
        expect(fact(page, name)).to_contain_text(" sec")
    page.context.set_offline(True)
    expect_state(page, "connecting", within=20)
    expect(fact(page, "network")).to_have_text("offline")
    element = status(page)
    element.evaluate(
        "e => { e.client.send('chat:lobby', { text: 'later', tag: '1' }).catch(() => {}); }"
    )
    expect(fact(page, "pending")).to_have_text("1")
    page.context.set_offline(False)
    expect_state(page, "connected", within=40)
    expect(fact(page, "reconnects")).to_have_text("1")
    expect(fact(page, "pending")).to_have_text("0")


def test_the_last_attempt_is_known(page: Page, server: Server) -> None:
    log_in(page, server)
    options = '{"backoff": {"maxAttempts": 9}}'
    page.evaluate(INLINE, {"details": "", "url": "/nowhere/", "options": options})
    attempts = page.locator("#inline .attempts dd")
    expect(attempts).to_have_text(re.compile(r"^[1-9]/9"))


def test_the_close_button(page: Page, server: Server) -> None:
    log_in(page, server)
    button(page).click()
    close = status(page).get_by_role("button", name="Close", exact=True)
    expect(close).to_be_visible()
    assert box(close)["y"] >= box(panel(page))["y"]
    close.click()
    expect(panel(page)).to_be_hidden()
    assert (
        page.evaluate(
            "document.activeElement.shadowRoot.activeElement.getAttribute('aria-expanded')"
        )
        == "false"
    )


def test_the_panel_never_covers_its_button(browser: Browser, server: Server) -> None:
    """At 400 % zoom a window of 1280 x 1024 has 320 x 256 pixels."""
    window: Any = {"width": 320, "height": 256}
    with browser.new_context(viewport=window, device_scale_factor=4, locale="en-GB") as context:
        page = context.new_page()
        log_in(page, server)
        button(page).click()
        seen = 0
        for distance in (0, 40, 80, 400):
            page.evaluate("(y) => scrollTo(0, y)", distance)
            page.evaluate(
                "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))"
            )
            opener, details = box(button(page)), box(panel(page))
            if opener["bottom"] <= 0 or opener["y"] >= window["height"]:
                continue
            seen += 1
            assert details["y"] >= opener["bottom"] or details["bottom"] <= opener["y"], distance
            assert details["height"] > 60
        assert seen > 1
        page.evaluate("scrollTo(0, 0)")
        shoot(page, "status-zoomed")
        control(page, "Ping").scroll_into_view_if_needed()
        expect(status(page).get_by_role("button", name="Close")).to_be_in_viewport()
        shoot(page, "status-zoomed-scrolled")
        control(page, "Ping").click()
        expect(status(page).get_by_role("status")).to_contain_text("Answer after")


def test_details_in_the_page(browser: Browser, server: Server) -> None:
    for scheme, width in (("light", 1000), ("dark", 320)):
        viewport: Any = {"width": width, "height": 900}
        options: Any = {"color_scheme": scheme, "viewport": viewport, "locale": "en-GB"}
        with browser.new_context(**options) as context:
            page = context.new_page()
            log_in(page, server)
            page.evaluate(INLINE, {"details": "", "controls": "none"})
            inline = page.locator("#inline")
            details, opener = inline.locator("[part=panel]"), inline.locator("[part=button]")
            expect(details).to_be_visible()
            assert not details.evaluate("e => e.matches(':popover-open')")
            assert box(details)["y"] >= box(opener)["bottom"]
            assert box(details)["bottom"] <= box(inline)["bottom"] + 1  # it takes its place
            expect(inline.get_by_role("button")).to_have_count(1)  # the one that opens it
            shoot(page, f"status-details-{scheme}")
            assert describe(axe_violations(page)) == []
            page.keyboard.press("Escape")
            page.mouse.click(5, 890)
            expect(details).to_be_visible()
            opener.click()
            expect(details).to_be_hidden()
            opener.click()
            expect(details).to_be_visible()
            inline.evaluate("e => { e.removeAttribute('details'); e.removeAttribute('controls'); }")
            expect(details).to_be_hidden()
            opener.click()
            assert details.evaluate("e => e.matches(':popover-open')")
            expect(inline.get_by_role("button", name="Ping", exact=True)).to_be_visible()
            inline.evaluate("e => e.setAttribute('details', '')")
            expect(details).to_be_visible()
            assert not details.evaluate("e => e.matches(':popover-open')")


def test_right_to_left(page: Page, project: Project, server: Server) -> None:
    log_in(page, server)
    page.evaluate("document.documentElement.dir = 'rtl'")
    button(page).click()
    direction = "e => getComputedStyle(e).direction"
    expect(panel(page)).to_be_visible()
    assert panel(page).evaluate(direction) == "ltr"  # the words are English
    shoot(page, "status-rtl-english")
    status(page).evaluate(
        """e => {
          e.constructor.addLanguage("ar", {
            label: "الاتصال", connected: "متصل", disconnected: "منقطع", details: "تفاصيل الاتصال",
            connectedText: "كل شيء على ما يرام.", endedText: "انتهى: {error}.", since: "منذ",
            session: "الجلسة", network: "الشبكة", lastError: "آخر خطأ",
          });
          e.lang = "ar";
        }"""
    )
    expect_state(page, "متصل")
    assert panel(page).evaluate(direction) == "rtl"
    shoot(page, "status-rtl-arabic")
    session = page.evaluate("document.querySelector('realtime-status').client.stats().session")
    project.manage("sessions", "--close", session, "--reason", "back (soon)!")
    expect_state(page, "منقطع")
    expect(panel(page).locator("[part=text]")).to_contain_text("انتهى: \u2068back (soon)!\u2069.")
    shoot(page, "status-rtl-reason")
    status(page).evaluate("e => { e.lang = 'en'; e.client.connect(); }")
    expect_state(page, "connected")
    session = page.evaluate("document.querySelector('realtime-status').client.stats().session")
    project.manage("sessions", "--close", session, "--reason", "عد لاحقا!")
    expect(panel(page)).to_contain_text("Ended: \u2068عد لاحقا!\u2069.")
    assert panel(page).evaluate(direction) == "ltr"
    shoot(page, "status-reason-arabic")
