"""The browser client where pages and networks are not as one would like them."""

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, expect

from tests.e2e.support import Project, Server, Visitor, free_port
from tests.faults import Proxy
from tests.polling import eventually

from .conftest import enter
from .slow_line import SlowLine

PATIENCE_MS = 20_000
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.browser.bytes_settings"}


@pytest.fixture(scope="module")
def own(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo with the default heartbeat, by which a line that is gone is silent for 35 s."""
    return Project.copy(template, tmp_path_factory.mktemp("client"), environ=SETTINGS)


@pytest.fixture(scope="module")
def server(own: Project) -> Iterator[Server]:
    with own.serve() as process:
        yield process


@pytest.fixture
def ann(page: Page, server: Server) -> Page:
    """A page on which ann is connected; its client is ``window.client``."""
    enter(page, server, "ann")
    take_client(page)
    is_in_state(page, "connected")
    return page


def take_client(page: Page | Frame, url: str = "") -> None:
    page.evaluate(
        """async (url) => {
          const { connect } = await import(`${url}/static/realtime/index.js`);
          Object.assign(window, { connect, client: connect() });
        }""",
        url,
    )


def is_in_state(page: Page, state: str, *, within_ms: int = PATIENCE_MS) -> None:
    page.wait_for_function("(state) => client.state === state", arg=state, timeout=within_ms)


def stats(page: Page, client: str = "client") -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(f"{client}.stats()")
    return found


def bare(server: Server, body: str, **policy: str) -> str:
    """The address of a page that has nothing but this in it."""
    return f"{server.url}/bare/?{urlencode({'body': '<!doctype html>' + body, **policy})}"


# Components


COMPONENTS = """async () => {
  // As React mounts an effect under StrictMode: twice, with the cleanup in between.
  const mounted = [];
  const mount = (room) => {
    const effect = () => {
      const client = connect();
      const heard = { messages: [], left: [], resyncs: [] };
      const listen = (type, list, of) => client.addEventListener(type, ({ detail }) =>
        detail.room === room && list.push(of(detail)));
      listen("message", heard.messages, ({ data }) => data.text);
      listen("left", heard.left, ({ code }) => code);
      listen("resync", heard.resyncs, ({ reason }) => reason);
      client.join(room);
      return { heard, cleanup: () => client.disconnect(), leave: () => client.leave(room) };
    };
    effect().cleanup();
    mounted.push(effect());
  };
  mount("chat:one");
  mount("chat:one");
  window.components = mounted;
}"""


def heard(page: Page, component: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = page.evaluate(f"components[{component}].heard")
    return found


def test_two_components_under_strict_mode(ann: Page) -> None:
    """Both are alive, and what one of them does to the page the other is told."""
    ann.evaluate(COMPONENTS)
    is_in_state(ann, "connected")
    ann.evaluate("client.send('chat:one', { text: 'first', tag: '1' })")
    eventually(lambda: [heard(ann, i)["messages"] for i in (0, 1)] == [["first"]] * 2, within=10)
    before = heard(ann, 0)
    ann.evaluate("components[1].leave()")
    assert heard(ann, 0)["left"] == [*before["left"], "left"]
    ann.evaluate("client.join('chat:one')")
    resyncs = [*before["resyncs"], "left"]
    eventually(lambda: heard(ann, 0)["resyncs"] == resyncs, within=10)
    ann.evaluate("components[1].cleanup()")
    assert heard(ann, 0)["left"][-1] == "disconnected"


def test_bytes_go_both_ways(ann: Page) -> None:
    answer = ann.evaluate(
        """async () => {
          const answered = (data) => new Promise((resolve) => {
            client.addEventListener("bytes", ({ detail }) => resolve(detail.data), { once: true });
            if (!client.sendBytes(data)) resolve(new ArrayBuffer(0));
          });
          const first = await answered(new Uint8Array([1, 2, 3]));
          const second = await answered(new Blob([new Uint8Array(70_000)]));
          return [[...new Uint8Array(first)], second.byteLength];
        }"""
    )
    assert answer == [[3, 2, 1], 70_000]


# Networks


def test_offline_and_online(ann: Page) -> None:
    """The line is in doubt at once, given up in seconds, and there again when the network is."""
    session = stats(ann)["session"]
    ann.context.set_offline(True)
    is_in_state(ann, "connecting", within_ms=8000)
    ann.evaluate(
        """() => {
          const sending = client.send("chat:lobby", { text: "meanwhile", tag: "2" });
          sending.then(() => (window.sent = true));
        }"""
    )
    ann.context.set_offline(False)
    is_in_state(ann, "connected")
    ann.wait_for_function("window.sent", timeout=PATIENCE_MS)
    assert stats(ann)["session"] == session


def test_asleep_for_ten_minutes_with_a_message_on_its_way(
    page: Page, own: Project, server: Server
) -> None:
    """It was published and its answer was lost: it is not published twice."""
    page.clock.install()
    with Proxy(server.port) as line:
        enter(page, server, "ann", url=f"http://127.0.0.1:{line.port}")
        take_client(page)
        is_in_state(page, "connected")
        page.evaluate(
            """() => {
              window.heard = [];
              client.addEventListener("message", ({ detail }) => heard.push(detail.data.text));
              client.join("chat:asleep");
            }"""
        )
        page.evaluate("client.send('chat:asleep', { text: 'awake', tag: '1' })")
        line.stall(requests=False)
        page.evaluate(
            """() => {
              const sending = client.send("chat:asleep", { text: "once", tag: "2" });
              sending.catch(({ code }) => (window.code = code));
              void client.send("chat:asleep", { text: "later", tag: "3" });
            }"""
        )
        published = "SELECT 1 FROM realtime_roomentry WHERE data LIKE '%once%'"
        eventually(lambda: own.rows(published), within=10)
        page.clock.fast_forward(600_000)
        line.reset()
        line.heal()
        page.wait_for_function("heard.length > 2", timeout=PATIENCE_MS)
    assert page.evaluate("[code, heard]") == ["unknown", ["awake", "once", "later"]]


def test_a_verdict_on_a_page_that_is_away(ann: Page, own: Project) -> None:
    """It is told when it comes back, in its administrator's words; by hand it begins anew."""
    session = stats(ann)["session"]
    ann.context.set_offline(True)
    is_in_state(ann, "connecting", within_ms=8000)
    own.manage("sessions", "--close", session, "--reason", "back at noon")
    ann.context.set_offline(False)
    is_in_state(ann, "disconnected")
    assert stats(ann)["reason"] == "back at noon"
    ann.evaluate("document.querySelector('realtime-status').lang = 'zh'")
    ann.click("realtime-status")
    expect(ann.locator("realtime-status [part=text]")).to_have_text("连接已结束：back at noon。")
    ann.evaluate("client.connect()")
    is_in_state(ann, "connected")
    assert stats(ann)["session"] != session


def test_a_line_with_a_round_trip_of_six_seconds(page: Page, server: Server) -> None:
    """It connects, is doubted without need, and stays."""
    with SlowLine(server.port) as line:
        enter(page, server, "ann", url=f"http://127.0.0.1:{line.port}")
        take_client(page)
        is_in_state(page, "connected")
        page.evaluate("client.disconnect()")
        line.delay = 3.0
        page.evaluate("client.connect()")
        is_in_state(page, "connected", within_ms=40_000)
        page.wait_for_function("client.stats().latency > 5000", timeout=PATIENCE_MS)
        page.evaluate("void dispatchEvent(new Event('offline'))")
        is_in_state(page, "unstable")
        is_in_state(page, "connected")
        assert stats(page)["lastError"] is None
        line.delay = 0.0


# What a browser refuses


def test_a_policy_that_forbids_the_socket(page: Page, server: Server) -> None:
    """The element says so at once, also who connects by hand is told."""
    scripts = "script-src 'self' 'unsafe-inline' 'unsafe-eval'"  # the last for Playwright
    policy = f"default-src 'self'; {scripts}; connect-src https://example.com"
    body = """<realtime-status></realtime-status>
      <script type="module">
        import { connect } from "/static/realtime/index.js";
        import "/static/realtime/status.js";
        window.client = connect();
      </script>"""
    page.goto(bare(server, body, policy=policy))
    page.wait_for_function("window.client?.state === 'error'", timeout=3000)
    page.click("realtime-status")
    text = page.locator("realtime-status [part=text]")
    expect(text).to_contain_text("content security policy")
    page.evaluate("client.connect()")
    page.wait_for_function("client.state === 'error'", timeout=3000)
    assert "connect-src" in stats(page)["reason"]


def test_frames_workers_and_a_base(ann: Page, server: Server) -> None:
    """A frame without an address, a worker from a blob, and a page whose base is elsewhere."""
    script = f"""import {{ connect }} from "{server.url}/static/realtime/index.js";
      const client = connect();
      client.addEventListener("state", () => (document.title = client.state));"""
    ann.evaluate(
        """(script) => {
          const frame = document.createElement("iframe");
          frame.srcdoc = `<script type="module">${script}<${"/script>"}`;
          frame.id = "srcdoc";
          document.body.append(frame);
        }""",
        script,
    )
    ann.wait_for_function(
        "document.getElementById('srcdoc').contentDocument.title === 'connected'",
        timeout=PATIENCE_MS,
    )
    worked = ann.evaluate(
        """(url) => new Promise((resolve, reject) => {
          const script = `import { connect } from "${url}/static/realtime/index.js";
            const client = connect();
            client.addEventListener("state", () => postMessage(client.state));`;
          const blob = new Blob([script], { type: "text/javascript" });
          const worker = new Worker(URL.createObjectURL(blob), { type: "module" });
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.onmessage = ({ data }) => data === "connected" && resolve(data);
        })""",
        server.url,
    )
    assert worked == "connected"
    ann.goto(bare(server, f"<base href='http://localhost:{server.port}/x/'>"))
    take_client(ann, server.url)
    assert ann.evaluate("client.url") == f"ws://localhost:{server.port}/ws/"


# Tabs and frames


def test_a_page_and_its_frame_keep_their_sessions(ann: Page, own: Project, server: Server) -> None:
    inner = escape(bare(server, ""))
    ann.goto(bare(server, f'<iframe src="{inner}"></iframe>'))
    first = sessions_in(ann)
    for _ in range(2):
        ann.reload()
        assert sessions_in(ann) == first
    assert len(set(first)) == 2
    assert [own.state(session) for session in first] == ["connected", "connected"]


def sessions_in(page: Page) -> list[str]:
    """Those of the page and of its frames."""
    sessions = []
    for frame in page.frames:
        take_client(frame)
        frame.wait_for_function("client.state === 'connected'", timeout=PATIENCE_MS)
        sessions.append(frame.evaluate("client.stats().session"))
    return sessions


def test_turned_away_and_logged_in_elsewhere(
    context: BrowserContext, ann: Page, server: Server
) -> None:
    """By another tab that is welcomed, and by a look at the page after a login without one."""
    first = stats(ann)["session"]
    log_out(ann)
    is_away(ann)
    other = context.new_page()
    enter(other, server, "ann")
    is_in_state(ann, "connected")
    assert stats(ann)["session"] != first
    other.goto("about:blank")
    log_out(ann)
    is_away(ann)
    with Visitor(server) as somebody:
        cookies = somebody.login("bob").http.cookies.items()
    context.add_cookies([{"name": n, "value": v, "url": server.url} for n, v in cookies])
    ann.evaluate("void dispatchEvent(new Event('focus'))")
    is_in_state(ann, "connected")


def log_out(page: Page) -> None:
    """As a form on another page would: the token of this page may be an older login's."""
    page.evaluate(
        """async () => {
          const text = await (await fetch("/")).text();
          const page = new DOMParser().parseFromString(text, "text/html");
          const form = page.querySelector("form[action*=logout]");
          const body = new FormData(form);
          const url = form.getAttribute("action");
          await fetch(url, { method: "POST", body, redirect: "manual" });
        }"""
    )


def is_away(page: Page) -> None:
    """Sent away, and not trying again by itself."""
    page.wait_for_function("['error', 'disconnected'].includes(client.state)", timeout=PATIENCE_MS)


def test_a_page_that_is_left(ann: Page, own: Project, server: Server) -> None:
    session = stats(ann)["session"]
    ann.goto("about:blank")
    eventually(lambda: own.state(session) == "suspended", within=5)
    (row,) = own.rows("SELECT end_code, end_reason FROM realtime_livesession WHERE id = ?", session)
    assert (row["end_code"], row["end_reason"]) == (1005, "client went away")


def test_a_server_that_restarts(page: Page, template: Path, tmp_path: Path) -> None:
    """What the page says in between is that, and not that the line was lost."""
    port = free_port()
    again = Project.copy(template, tmp_path, drain_spread=0.2)
    with again.serve(port) as first:
        enter(page, first, "ann")
        take_client(page)
        is_in_state(page, "connected")
        page.click("realtime-status")
        first.stop()
        page.wait_for_function("client.stats().attempts > 1", timeout=PATIENCE_MS)
    panel = page.locator("realtime-status [part=panel]")
    expect(panel).to_contain_text("The server is restarting.")
    expect(panel).to_contain_text(re.compile(r"server restarting \((1001|4001)\)"))
    assert stats(page)["reason"] == "server restarting"
    with again.serve(port):
        is_in_state(page, "connected")
