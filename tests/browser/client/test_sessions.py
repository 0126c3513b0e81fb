"""Sessions of pages, frames and tabs, and logins."""

from html import escape

from playwright.sync_api import BrowserContext, Page

from tests.e2e.support import Project, Server, Visitor
from tests.polling import eventually

from ..conftest import enter
from ..pages import WAIT_MS
from .client_page import bare, expect_state, stats, take_client


def test_a_page_and_its_frame_keep_their_sessions(
    ann: Page, project: Project, server: Server
) -> None:
    inner = escape(bare(server, ""))
    ann.goto(bare(server, f'<iframe src="{inner}"></iframe>'))
    first = sessions_in(ann)
    for _ in range(2):
        ann.reload()
        assert sessions_in(ann) == first
    assert len(set(first)) == 2
    assert [project.state(session) for session in first] == ["connected", "connected"]


def sessions_in(page: Page) -> list[str]:
    """The sessions of the page and of its frames."""
    sessions = []
    for frame in page.frames:
        take_client(frame)
        frame.wait_for_function("client.state === 'connected'", timeout=WAIT_MS)
        sessions.append(frame.evaluate("client.stats().session"))
    return sessions


def test_a_login_elsewhere_reconnects_a_logged_out_page(
    context: BrowserContext, ann: Page, server: Server
) -> None:
    """At the welcome of another tab, and at the focus of the page after a login without a tab."""
    first = stats(ann)["session"]
    log_out(ann)
    expect_final(ann)
    other = context.new_page()
    enter(other, server, "ann")
    expect_state(ann, "connected")
    assert stats(ann)["session"] != first
    other.goto("about:blank")
    log_out(ann)
    expect_final(ann)
    with Visitor(server) as visitor:
        cookies = visitor.login("bob").http.cookies.items()
    context.add_cookies([{"name": n, "value": v, "url": server.url} for n, v in cookies])
    ann.evaluate("void dispatchEvent(new Event('focus'))")
    expect_state(ann, "connected")


def log_out(page: Page) -> None:
    """Log out by a newly loaded form: the CSRF token of this page may be outdated."""
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


def expect_final(page: Page) -> None:
    """The client is disconnected and makes no further attempt."""
    page.wait_for_function("['error', 'disconnected'].includes(client.state)", timeout=WAIT_MS)


def test_a_closed_page_suspends_its_session(ann: Page, project: Project, server: Server) -> None:
    session = stats(ann)["session"]
    ann.goto("about:blank")
    eventually(lambda: project.state(session) == "suspended", within=5)
    (row,) = project.rows(
        "SELECT end_code, end_reason FROM realtime_livesession WHERE id = ?", session
    )
    assert (row["end_code"], row["end_reason"]) == (1005, "client went away")
