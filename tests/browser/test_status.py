"""`<realtime-status>` in a real browser: every state reached for real, looked at, and operated."""

import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.server_support import ROOT
from tests.e2e.support import Project, Server, free_port
from tests.polling import eventually

from .conftest import ARGUMENTS, CHROMIUM, enter

SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WINDOWS = {"wide": {"width": 1000, "height": 800}, "narrow": {"width": 320, "height": 800}}

# The page's own client; what it says, with the time by the clock that this test reads too.
WATCH = """async () => {
  const { connect } = await import("/static/realtime/index.js");
  const client = (window.client = connect());
  window.told = [];
  const tell = (what) => window.told.push([what, Date.now() / 1000]);
  client.addEventListener("state", ({ detail }) => {
    if (detail.state !== detail.previous) tell(detail.state);
  });
  client.addEventListener("frame", ({ detail }) => detail.direction === "in" && tell("frame"));
}"""


def log_in(page: Page, server: Server, *, url: str = "") -> None:
    enter(page, server, "ann", url=url)
    shows(page, "connected")


def status(page: Page) -> Locator:
    return page.locator("realtime-status")


def button(page: Page) -> Locator:
    return status(page).locator("[part=button]")


def panel(page: Page) -> Locator:
    return status(page).locator("[part=panel]")


def control(page: Page, name: str) -> Locator:
    return status(page).get_by_role("button", name=name, exact=True)


def shows(page: Page, state: str, *, within: float = 10) -> None:
    word = status(page).locator("[part=word]")
    expect(word).to_have_text(state, timeout=within * 1000)


def told(page: Page) -> list[tuple[str, float]]:
    return [(what, when) for what, when in page.evaluate("window.told")]


def when(page: Page, what: str, *, since: float = 0.0, within: float = 10) -> float:
    """The moment of the first event of this kind after ``since``, awaited."""

    def found() -> float | None:
        return next((at for name, at in told(page) if name == what and at >= since), None)

    return eventually(found, within=within, what=what)


def complaints(page: Page) -> list[str]:
    """What axe has to say about the page as it stands."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [f"{v['id']}: {n['html']}" for v in found["violations"] for n in v["nodes"]]


# Every state


@pytest.fixture
def own(template: Path, tmp_path: Path) -> Project:
    """Silence is doubted after 11 s and the line lost after 21: time to look in between."""
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


def look(pages: dict[str, Page], state: str) -> None:
    """Photograph the state on every page, and let axe look at it."""
    for page in pages.values():
        shows(page, state, within=20)
    for name, page in pages.items():
        page.screenshot(path=SCREENSHOTS / f"status-{state}-{name}.png")
        close_up(page, f"status-{state}-{name}-close.png")
        assert complaints(page) == [], (state, name)
        assert button(page).evaluate("e => e.scrollWidth <= e.clientWidth"), "cut off"
        overlap = "([b, p]) => b.getBoundingClientRect().bottom > p.getBoundingClientRect().top"
        handles = [button(page).element_handle(), panel(page).element_handle()]
        assert not page.evaluate(overlap, handles), "the panel lies on its button"
        shows(page, state)  # still


def close_up(page: Page, name: str) -> None:
    """The button and its panel alone."""
    top, bottom = button(page).bounding_box(), panel(page).bounding_box()
    assert top
    assert bottom
    y, end = top["y"] - 8, bottom["y"] + bottom["height"]
    clip = {"x": bottom["x"], "y": y, "width": bottom["width"], "height": end - y}
    page.screenshot(path=SCREENSHOTS / name, clip=clip)  # type: ignore[arg-type]


def test_every_state_in_every_light(pages: dict[str, Page], own: Project) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with own.serve(port) as server:
        for page in pages.values():
            log_in(page, server)
            assert complaints(page) == []
            button(page).click()
        for page in pages.values():  # a few latencies to draw
            expect(status(page).locator(".pongs dd")).to_have_text("5", timeout=20_000)
        look(pages, "connected")
        server.stop(signal.SIGSTOP)
        look(pages, "unstable")
        server.stop(signal.SIGCONT)
        for page in pages.values():
            shows(page, "connected")
        server.kill()
        look(pages, "connecting")
    with own.serve(port):
        for page in pages.values():
            # Not Playwright's click: it would wait for ever for a page that is back by itself.
            control(page, "Reconnect now").evaluate("button => button.click()")
            shows(page, "connected")
        for session in own.sessions():
            own.manage("sessions", "--close", session["id"], "--reason", "lunch time")
        look(pages, "disconnected")
        for page in pages.values():
            expect(panel(page)).to_contain_text("Ended: lunch time.")
            page.context.clear_cookies()  # whoever comes back now is nobody
            control(page, "Reconnect now").click()
        look(pages, "error")
        expect(panel(page)).to_contain_text("Ended: not authenticated.")


def test_without_colours_and_motion(page: Page, server: Server) -> None:
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


def test_in_chinese(browser: Browser, page: Page, server: Server) -> None:
    log_in(page, server)
    status(page).evaluate("e => e.setAttribute('lang', 'zh-Hans')")
    shows(page, "已连接")
    button(page).click()
    expect(panel(page)).to_contain_text("一切正常")
    assert complaints(page) == []
    status(page).evaluate(
        """e => {
          e.constructor.addLanguage("de", { connected: "verbunden" });
          e.removeAttribute("lang");
          document.documentElement.lang = "de-AT";
        }"""
    )
    shows(page, "verbunden")
    expect(panel(page)).to_contain_text("All is well")


# By hand


def active(page: Page) -> str:
    """The name of the control that has the focus inside the element; "" if it is elsewhere."""
    script = "document.activeElement.shadowRoot?.activeElement?.innerText ?? ''"
    return str(page.evaluate(script)).strip()


def test_by_keyboard_alone(page: Page, server: Server) -> None:
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
    for _ in range(5):
        page.keyboard.press("Tab")
        walk.append(active(page))
    assert walk == ["Reconnect now", "Disconnect", "Ping", "Reset", "Reconnect automatically"]
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
    shows(page, "disconnected")
    assert active(page) == "Disconnect"  # a control that can do no more keeps the focus
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    shows(page, "connected")
    assert active(page) == "Reconnect now"
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    assert "connected" in active(page)
    expect(button(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Space")
    expect(panel(page)).to_be_visible()
    page.keyboard.press("Shift+Tab")  # the focus leaves, the panel does not stay in the way
    expect(panel(page)).to_be_hidden()


def test_a_click_elsewhere_closes(page: Page, server: Server) -> None:
    log_in(page, server)
    button(page).click()
    panel(page).locator("[part=text]").click()
    expect(panel(page)).to_be_visible()
    page.mouse.click(5, 500)
    expect(panel(page)).to_be_hidden()
    button(page).click()
    button(page).click()
    expect(panel(page)).to_be_hidden()


def test_a_screen_reader_hears_what_lasts(page: Page, template: Path, tmp_path: Path) -> None:
    own = Project.copy(template, tmp_path, ping_interval=1, drain_spread=0.5)
    port = free_port()
    with own.serve(port) as server:
        log_in(page, server)
        page.evaluate(
            """() => {
              window.said = [];
              const live = document.querySelector("realtime-status").shadowRoot
                .querySelector("[role=status]");
              new MutationObserver(() => window.said.push(live.textContent))
                .observe(live, { childList: true, characterData: true, subtree: true });
            }"""
        )
        server.kill()
        third_or_later = re.compile(r"attempt ([3-9]|\d\d)")  # one may pass between two looks
        expect(page.locator("#realtime-word")).to_contain_text(third_or_later, timeout=20_000)
    with own.serve(port):
        shows(page, "connected", within=40)
        expected = ["Connection: connecting", "Connection: connected"]
        eventually(lambda: page.evaluate("window.said") == expected, what="two announcements")


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
    # One a second each of the elements' timer and the line's watchdog.
    assert 3 <= page.evaluate("window.ticks") <= 10


# Within the times that the settings promise


def test_a_cut_without_fin_is_unstable_before_it_reconnects(
    page: Page, template: Path, tmp_path: Path
) -> None:
    """The process stops: its sockets stay open and say nothing."""
    own = Project.copy(template, tmp_path, ping_interval=2, pong_timeout=2, session_timeout=20)
    with own.serve() as server:
        log_in(page, server)
        page.evaluate(WATCH)
        when(page, "frame")
        stopped = time.time()
        server.stop(signal.SIGSTOP)
        unstable = when(page, "unstable", since=stopped)
        connecting = when(page, "connecting", since=stopped)
        heard = max(at for what, at in told(page) if what == "frame" and at < unstable)
        server.stop(signal.SIGCONT)
        shows(page, "connected")
    assert 3 - 0.1 <= unstable - heard <= 3 + 1  # P + T/2
    assert 4 - 0.1 <= connecting - heard <= 4 + 1  # P + T


@pytest.fixture
def sleeper(browser: Browser) -> Iterator[tuple[Page, Callable[[signal.Signals], None]]]:
    """A page in a browser of its own, and a way to stop all of that browser's processes."""
    before = chromiums()
    own = browser.browser_type.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    page = own.new_page(locale="en-GB")
    processes = chromiums() - before

    def send(number: signal.Signals) -> None:
        # Also those that were started since, for the page.
        for process in processes | (chromiums() - before):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    yield page, send
    send(signal.SIGCONT)
    own.close()


def chromiums() -> set[psutil.Process]:
    found = set()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # one may end while others are looked at
            if "chrom" in child.name():
                found.add(child)
    return found


def test_awake_after_a_sleep_it_is_back_within_three_seconds(
    sleeper: tuple[Page, Callable[[signal.Signals], None]], template: Path, tmp_path: Path
) -> None:
    """5 s asleep where the server gives up after 2.5, as 110 s are where it takes 55."""
    page, send = sleeper
    own = Project.copy(
        template, tmp_path, ping_interval=1, pong_timeout=0.5, session_timeout=5, drain_spread=0.5
    )
    with own.serve() as server:
        log_in(page, server)
        page.evaluate(WATCH)
        session = page.evaluate("window.client.stats().session")
        send(signal.SIGSTOP)
        eventually(lambda: own.state(session) == "suspended", what="the server gave up")
        time.sleep(2)  # nothing to poll for: the browser sleeps on
        woken = time.time()
        send(signal.SIGCONT)
        back = when(page, "connected", since=woken)
        assert page.evaluate("window.client.stats().session") == session
    assert back - woken <= 3


class Wire:
    """A relay in front of a server; once cut, what goes through it is lost without a word."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._sockets: list[socket.socket] = []
        self._dead = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._listener, *self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut(self) -> None:
        """The connections there are now are dead; later ones are not."""
        self._dead = len(self._sockets)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                number = len(self._sockets)
                self._sockets += [client, server]
                for source, target in ((client, server), (server, client)):
                    arguments = (source, target, number)
                    threading.Thread(target=self._carry, args=arguments, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, number: int) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if number >= self._dead:
                    target.sendall(data)
            if number >= self._dead:
                target.shutdown(socket.SHUT_WR)


def test_awake_on_a_dead_line_it_leaves_it_within_three_seconds(
    sleeper: tuple[Page, Callable[[signal.Signals], None]], template: Path, tmp_path: Path
) -> None:
    """With the default settings: no beat is due, nobody has closed anything."""
    page, send = sleeper
    own = Project.copy(template, tmp_path)
    with own.serve() as server, Wire(server.port) as wire:
        log_in(page, server, url=wire.url)
        page.evaluate(WATCH)
        session = page.evaluate("window.client.stats().session")
        send(signal.SIGSTOP)
        wire.cut()
        time.sleep(4)  # asleep: longer than a timer may be late
        woken = time.time()
        send(signal.SIGCONT)
        unstable = when(page, "unstable", since=woken)
        left = when(page, "connecting", since=unstable)
        when(page, "connected", since=left)
        assert page.evaluate("window.client.stats().session") == session
    assert unstable - woken <= 1
    assert left - woken <= 3
