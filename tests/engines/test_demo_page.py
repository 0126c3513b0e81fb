"""The demo in each engine: its element, its sessions and its chat."""

from pathlib import Path

import pytest

from tests.browser.pages import SCREENSHOTS
from tests.e2e.support import Project, Server, free_port
from tests.polling import eventually

from .conftest import make_project
from .pages import (
    CLIENT,
    ENTER,
    ESCAPE,
    FIND,
    click,
    expect,
    expect_state,
    expect_text,
    log_in,
    press,
    session,
    stats,
    value,
    write,
)
from .tab import Browser, Tab

pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]

STATUS = "realtime-status"
BUTTON = (STATUS, "[part=button]")
PANEL = (STATUS, "[part=panel]")
COUNT = "() => Number(sessionStorage.tests ?? 0)"
SHOWN = "() => [...document.querySelectorAll('#chat-messages p')].map((each) => each.innerText)"


def expect_texts(tab: Tab, *texts: str) -> None:
    """Waits until these are the last messages of the chat, in this order."""
    expected = list(texts)
    eventually(
        lambda: (value(tab, SHOWN) or [])[-len(texts) :] == expected,
        within=20,
        what=lambda: value(tab, SHOWN),
    )


def arrive(tab: Tab, path: str) -> None:
    """Waits until the tab shows the page with this path, loaded or from a cache."""
    arrived = "(path) => location.pathname === path && document.readyState === 'complete'"
    expect(tab, arrived, path)


def test_a_page_connects(tab: Tab, project: Project, server: Server) -> None:
    log_in(tab, server)
    expect_text(tab, "connected", *BUTTON)
    expect_text(tab, "connected", "#realtime-word")
    expect(tab, f"() => {CLIENT}.stats().pings > 1")
    assert project.state(session(tab)) == "connected"


def test_the_panel(tab: Tab, server: Server) -> None:
    """It opens at a click, pings, and gives the focus back."""
    log_in(tab, server)
    click(tab, *BUTTON)
    expect_text(tab, "All is well", *PANEL)
    before = stats(tab)["pongs"]
    click(tab, STATUS, "[part~=ping]")
    expect(tab, f"(before) => {CLIENT}.stats().pongs > before", before)
    assert isinstance(stats(tab)["latency"], (int, float))
    press(tab, ESCAPE)
    expect(tab, f"(path) => !({FIND})(path).checkVisibility()", PANEL)
    assert tab.evaluate("() => document.activeElement.localName") == STATUS


def test_a_reload_keeps_the_session(tab: Tab, project: Project, server: Server) -> None:
    log_in(tab, server)
    first = session(tab)
    for _ in range(3):
        tab.reload()
        assert session(tab) == first
    assert project.state(first) == "connected"


def test_back_and_forward(tab: Tab, project: Project, server: Server) -> None:
    """The session goes on, if the engine loads a page again and if it has kept it."""
    log_in(tab, server)
    first = session(tab)
    click(tab, "nav a[href*=password]")
    arrive(tab, "/accounts/password_change/")
    eventually(lambda: project.state(first) == "suspended")
    click(tab, "a.brand")
    arrive(tab, "/")
    assert session(tab) == first
    for move in (tab.back, tab.forward):
        move()
        arrive(tab, "/accounts/password_change/")
        move()
        arrive(tab, "/")
        assert session(tab) == first
    write(tab, "#chat-text", "and on", ENTER)
    expect_texts(tab, "and on")


def test_a_page_that_reloads_itself_when_it_returns(
    tab: Tab, project: Project, server: Server
) -> None:
    """It takes the session as the page between has left it, at the first attempt."""
    log_in(tab, server)
    first = session(tab)
    reload = "({ persisted }) => persisted && location.reload()"
    tab.evaluate(f"() => {{ window.old = true; addEventListener('pageshow', {reload}); }}")
    tab.goto(f"{server.url}/?between")
    assert session(tab) == first
    tab.back()
    expect(tab, "() => !window.old && location.search === ''")
    assert session(tab) == first
    assert stats(tab)["lastError"] is None
    assert project.state(first) == "connected"


def test_a_tab_with_an_opener_has_its_own_session(
    browser: Browser, tab: Tab, project: Project, server: Server
) -> None:
    """It begins with a copy of the sessionStorage."""
    log_in(tab, server)
    first = session(tab)
    tab.evaluate("() => { sessionStorage.tests = 1; }")
    link = """() => {
      const link = "<a id=copy href=/ target=_blank rel=opener>copy</a>";
      document.querySelector("h1").innerHTML = link;
    }"""
    tab.evaluate(link)
    click(tab, "#copy")
    other = eventually(lambda: next((each for each in browser.tabs() if each != tab), None))
    second = session(other)
    assert other.evaluate(COUNT) == 1
    assert second != first
    tab.reload()
    other.reload()
    assert (session(tab), session(other)) == (first, second)
    assert (project.state(first), project.state(second)) == ("connected", "connected")


def test_a_closed_tab_is_suspended_at_once(tab: Tab, project: Project, server: Server) -> None:
    log_in(tab, server)
    first = session(tab)
    tab.close()
    eventually(lambda: project.state(first) == "suspended")
    query = "SELECT missed FROM realtime_livesession WHERE id = ?"
    assert project.rows(query, first) == [{"missed": 0}]  # by its end, not by its silence


def test_messages_are_sent(tab: Tab, server: Server) -> None:
    log_in(tab, server)
    texts = [f"number {n}" for n in range(5)]
    for text in texts:
        write(tab, "#chat-text", text, ENTER)
    expect_texts(tab, *texts)
    expect(tab, "() => document.querySelectorAll('#chat-waiting li').length === 0")
    tab.reload()
    expect_texts(tab, *texts)
    assert tab.evaluate(SHOWN).count(texts[0]) == 1


# How connections end


def test_a_disconnection_shows_its_reason(tab: Tab, project: Project, server: Server) -> None:
    log_in(tab, server)
    project.manage("sessions", "--close", session(tab), "--reason", "lunch time")
    expect_text(tab, "lunch time", "#realtime-word")
    assert stats(tab)["lastError"]["code"] == 4500


def test_a_restarted_server(tab: Tab, template: Path, tmp_path: Path) -> None:
    """Stopped, it says goodbye; killed, it does not. The session goes on both times."""
    restarted, port = make_project(template, tmp_path), free_port()
    with restarted.serve(port) as first:
        log_in(tab, first)
        before = session(tab)
        first.stop()
        expect(tab, f"() => {CLIENT}.stats().attempts > 1")
        assert stats(tab)["reason"] == "server restarting"
    with restarted.serve(port) as second:
        assert session(tab) == before
        second.kill()
        expect_state(tab, "connecting")
        assert stats(tab)["lastError"]["code"] == 1006
    with restarted.serve(port):
        assert session(tab) == before


# How it looks


def test_the_page_fits_its_window(browser: Browser, tab: Tab, server: Server) -> None:
    """Saves screenshots in ``build/screenshots``, wide and narrow, with the panel and without."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    log_in(tab, server)
    text = " ".join(["a text that wraps"] * 12)
    write(tab, "#chat-text", text, ENTER)
    expect_texts(tab, text)
    for width in (1000, 360):
        browser.resize(width, 800)
        tab.evaluate("() => scrollTo(0, 0)")
        tab.screenshot(SCREENSHOTS / f"engine-{browser.name}-{width}.png")
        assert tab.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        click(tab, *BUTTON)
        expect_text(tab, " ms", *PANEL)
        tab.screenshot(SCREENSHOTS / f"engine-{browser.name}-{width}-panel.png")
        assert tab.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        press(tab, ESCAPE)
    browser.resize(1000, 800)
