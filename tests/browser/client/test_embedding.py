"""Content security policies, frames, workers and base addresses."""

from playwright.sync_api import Page, expect

from tests.e2e.support import Server

from ..pages import WAIT_MS
from .client_page import bare, stats, take_client


def test_a_policy_that_blocks_the_socket(page: Page, server: Server) -> None:
    """The element shows the reason at once, also after ``connect()``."""
    scripts = "script-src 'self' 'unsafe-inline' 'unsafe-eval'"  # Playwright needs the last one
    policy = f"default-src 'self'; {scripts}; connect-src https://example.com"
    body = """<realtime-status></realtime-status>
      <script type="module">
        import { connect } from "/static/realtime/realtime-status.js";
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


def test_an_element_with_options(page: Page, server: Server) -> None:
    options = '{"autoReconnect": false, "backoff": {"base": 5}}'
    body = f"""<realtime-status options='{options}'></realtime-status>
      <script type="module" src="/static/realtime/realtime-status.js"></script>"""
    page.goto(bare(server, body))
    page.wait_for_function("document.querySelector('realtime-status').client")
    warnings: list[str] = []
    page.on("console", lambda message: warnings.append(message.text))
    page.evaluate(
        """async (options) => {
          const { connect } = await import("/static/realtime/realtime-status.js");
          window.client = connect(JSON.parse(options));
        }""",
        options,
    )
    assert page.evaluate("client === document.querySelector('realtime-status').client")
    assert stats(page)["autoReconnect"] is False
    assert warnings == []  # the options are those that the element has passed


def test_frames_workers_and_a_base(ann: Page, server: Server) -> None:
    """A frame without an address, a worker from a blob, and a page with another base."""
    script = f"""import {{ connect }} from "{server.url}/static/realtime/realtime.js";
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
        timeout=WAIT_MS,
    )
    worked = ann.evaluate(
        """(url) => new Promise((resolve, reject) => {
          const script = `import { connect } from "${url}/static/realtime/realtime.js";
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
