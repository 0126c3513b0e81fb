"""A help desk with consumers, routes and groups of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.server_support import ROOT
from tests.e2e.test_quickstart import README, Site, commands, serving
from tests.test_docs import section

from .following import (
    NAME,
    add_apps,
    add_urls,
    begin,
    code,
    edit,
    expect_green,
    inline,
    log_in,
    manage,
    recipe,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = begin("desk", tmp_path_factory.mktemp("desk"))
    apps, asgi, rest = recipe("## A project with Channels")
    [app] = inline(apps, '^"')
    add_apps(project, first="", last=f"    {app},\n")
    (project / "mysite/asgi.py").write_text(code(asgi))
    assert inline(rest, r"\.py$|^migrate$|^runserver$") == ["urls.py", "migrate", "runserver"]
    _, _, urls, _, template = recipe("## A project without Channels")
    add_urls(project, *inline(urls, "^path"))
    edit(project / "templates/room.html", "</body>", f"{inline(template, '^{%')[0]}\n</body>")
    *_, migrate, serve = commands(section(README, "## Quick start"))
    manage(project, *migrate.split()[1:])
    with serving(project, ROOT, serve) as site:
        yield site


def expect_open(page: Page) -> None:
    expect(page.locator("form[data-open]")).to_have_count(1)


def test_their_chat_goes_on_beside_a_green_dot(
    page: Page, context: BrowserContext, site: Site
) -> None:
    log_in(page, f"{site.address}lobby/")
    other = context.new_page()
    other.goto(f"{site.address}lobby/")
    for each in (page, other):
        expect_green(each)
        expect_open(each)
    page.fill("input", "hello")
    page.press("input", "Enter")
    for each in (page, other):
        expect(each.locator("li")).to_have_text(f"{NAME}: hello")
    health = page.evaluate("fetch('/realtime/health/').then((answer) => answer.json())")
    assert health["total_connections"] == 2


def test_their_own_checks_still_hold(page: Page, site: Site) -> None:
    """Their consumer refuses a visitor without a login."""
    page.goto(f"{site.address}realtime/live/")
    code = """() => new Promise((resolve) => {
      const socket = new WebSocket(`ws://${location.host}/ws/chat/lobby/`);
      socket.onclose = ({ code }) => resolve(code);
    })"""
    assert page.evaluate(code) == 1006
