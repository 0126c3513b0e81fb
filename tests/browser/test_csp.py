"""The demo and the admin's pages keep a strict content security policy."""

from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.support import Project, Server

from .admin.list_page import LIST, open_list, rows
from .conftest import enter
from .pages import policy_violations
from .status_page import button, expect_state, panel

pytestmark = pytest.mark.skipif(
    django.VERSION < (6, 0), reason="Django sends a content security policy from 6.0 on"
)


@pytest.fixture(scope="module")
def server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environ = {"DJANGO_SETTINGS_MODULE": "tests.browser.csp_settings"}
    folder = tmp_path_factory.mktemp("csp")
    with Project.copy(template, folder, environ=environ, ping_interval=1).serve() as process:
        yield process


@pytest.fixture
def violations(page: Page) -> list[str]:
    return policy_violations(page)


def press(target: Locator) -> None:
    """Playwright's own click would wait until the live list stands still for two frames."""
    target.evaluate("(element) => element.click()")


def test_a_violation_is_seen(page: Page, server: Server, violations: list[str]) -> None:
    enter(page, server, "ann")
    page.evaluate("document.body.append(document.createElement('script'))")
    page.evaluate("document.body.lastChild.append('window.evil = true')")
    assert page.evaluate("window.evil") is None
    assert len(violations) == 1


def test_the_demo_keeps_the_policy(page: Page, server: Server, violations: list[str]) -> None:
    enter(page, server, "ann")
    expect_state(page, "connected")
    button(page).click()
    expect(panel(page)).to_be_visible()
    page.fill("#chat-text", "hello")
    page.press("#chat-text", "Enter")
    expect(page.locator("#chat-messages")).to_contain_text("hello")
    page.click("text=Change password")
    expect(page.locator("h1")).to_have_text("Change password")
    assert violations == []


def test_the_admin_keeps_the_policy(page: Page, server: Server, violations: list[str]) -> None:
    visitor = page.context.new_page()
    enter(visitor, server, "bob")
    expect_state(visitor, "connected")
    open_list(page, server)
    expect(page.locator(".realtime-plot canvas")).to_be_visible()
    press(rows(page, "bob").get_by_role("checkbox"))
    press(page.locator("text=Disconnect chosen sessions"))
    expect(page.locator("h1")).to_contain_text("Disconnect")
    page.goto(server.url + LIST)
    press(rows(page, "bob").locator("td a"))
    expect(page.locator("h1")).to_contain_text("Session")
    page.goto(server.url + "/admin/realtime/closedsession/")
    expect(page.locator("h1")).to_contain_text("closed session")
    assert violations == []
