"""Why an attempt failed, as `connect_error` tells it, and the console of a client with `debug`."""

from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page

from tests.e2e.support import Server, free_port
from tests.faults import Proxy

from .client_page import bare, expect_state

SCRIPT = "script-src 'self' 'unsafe-inline' 'unsafe-eval'"


def first_error(page: Page, url: str, **options: int) -> dict[str, Any]:
    """The detail of the first `connect_error` of a new client for this address."""
    found: dict[str, Any] = page.evaluate(
        """async ([url, options]) => {
          const { RealtimeClient } = await import("/static/realtime/realtime.js");
          const client = new RealtimeClient({ url, ...options });
          return new Promise((resolve) => {
            client.once("connect_error", (detail) => {
              client.disconnect();
              resolve(detail);
            });
            client.connect();
          });
        }""",
        [url, options],
    )
    return found


def test_an_origin_that_is_not_allowed(ann: Page, server: Server) -> None:
    error = first_error(ann, f"ws://localhost:{server.port}/ws/")
    assert error == {
        "cause": "origin",
        "code": 4502,
        "reason": "origin not allowed",
        "willReconnect": False,
    }


def test_a_missing_login(page: Page, server: Server) -> None:
    page.goto(bare(server, ""))
    error = first_error(page, "/ws/")
    assert (error["cause"], error["code"], error["willReconnect"]) == ("login", 4501, False)


def test_a_policy_of_the_page(page: Page, server: Server) -> None:
    policy = f"default-src 'self'; {SCRIPT}; connect-src https://example.com"
    page.goto(bare(server, "", policy=policy))
    error = first_error(page, "/ws/")
    assert (error["cause"], error["code"], error["willReconnect"]) == ("policy", 1006, False)


@pytest.mark.parametrize("path", ["", "/nowhere/"], ids=["closed port", "refused handshake"])
def test_a_network_that_fails(ann: Page, path: str) -> None:
    url = path or f"ws://127.0.0.1:{free_port()}/ws/"
    error = first_error(ann, url)
    assert (error["cause"], error["code"], error["willReconnect"]) == ("network", 1006, True)


def test_a_server_that_does_not_answer(ann: Page, server: Server) -> None:
    with Proxy(server.port) as line:
        line.stall()
        error = first_error(ann, f"ws://127.0.0.1:{line.port}/ws/", timeout=500)
    assert (error["cause"], error["code"], error["willReconnect"]) == ("timeout", 1006, True)
    assert error["reason"].startswith("no answer within")


def test_debug_writes_to_the_console_without_secrets(ann: Page) -> None:
    lines: list[str] = []

    def record(message: ConsoleMessage) -> None:
        if message.type == "debug":
            lines.append(message.text)

    ann.on("console", record)
    secrets: list[str] = ann.evaluate(
        """async () => {
          const { RealtimeClient } = await import("/static/realtime/realtime.js");
          const secrets = ["query"];
          window.client = new RealtimeClient({ url: "/ws/?token=query", debug: true });
          client.on("frame", ({ frame }) => {
            if (frame.type === "welcome") secrets.push(frame.token, frame.session);
          });
          const connected = () => new Promise((done) => client.once("joined", done));
          client.join("chat:lobby");
          client.connect();
          await connected();
          await client.send("chat:lobby", { text: "good morning", tag: "1", token: "query" });
          dispatchEvent(new PageTransitionEvent("pagehide"));
          dispatchEvent(new PageTransitionEvent("pageshow"));
          await connected();
          return secrets;
        }"""
    )
    secrets += [cookie["value"] for cookie in ann.context.cookies()]
    assert len(secrets) >= 6
    log = "\n".join(lines)
    for word in ("realtime: state", "welcome", "resume", "good morning", "connection_lost"):
        assert word in log
    assert [secret for secret in secrets if secret in log] == []


def test_the_time_of_an_attempt_doubles(page: Page, server: Server) -> None:
    page.goto(bare(server, ""))
    with Proxy(server.port) as line:
        line.stall()
        reasons: list[str] = page.evaluate(
            """async (url) => {
              const { RealtimeClient } = await import("/static/realtime/realtime.js");
              const backoff = { base: 1, cap: 1 };
              window.client = new RealtimeClient({ url, timeout: 500, backoff });
              const reasons = [];
              return new Promise((resolve) => {
                client.on("connect_error", ({ reason }) => {
                  if (reasons.push(reason) === 3) resolve(reasons);
                });
                client.connect();
              });
            }""",
            f"ws://127.0.0.1:{line.port}/ws/",
        )
        assert reasons == [f"no answer within {seconds} s" for seconds in (1, 1, 2)]
        page.evaluate("client.disconnect()")
    expect_state(page, "disconnected")
