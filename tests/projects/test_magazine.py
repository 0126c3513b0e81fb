"""A magazine on WSGI without Channels: many languages, a page for every path, hashed static files,
and a content security policy that admits scripts by their nonce only."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import policy_violations
from tests.e2e.test_quickstart import Site

from .following import (
    add_to_wsgi_project,
    begin,
    edit,
    expect_green,
    inline,
    log_in,
    serving_with_whitenoise,
)

pytestmark = pytest.mark.matrix


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = begin("magazine", tmp_path_factory.mktemp("magazine"))
    template = add_to_wsgi_project(project)
    edit(project / "mysite/templates/base.html", "</body>", inline(template, "^{%")[0] + "</body>")
    with serving_with_whitenoise(project) as site:
        yield site


@pytest.fixture
def violations(page: Page) -> list[str]:
    return policy_violations(page)


def test_the_dot_is_green_under_their_policy(page: Page, site: Site, violations: list[str]) -> None:
    log_in(page, f"{site.address}login/")
    status = expect_green(page)
    assert page.locator("h1").inner_text() == "Today"
    status.get_by_role("button").first.click()
    expect(status.locator("[part=panel]")).to_be_visible()
    health = page.evaluate("fetch('/realtime/health/').then((answer) => answer.json())")
    assert health["total_connections"] == 1
    script = page.evaluate("document.querySelector('script').src")
    assert re.fullmatch(r".+/static/realtime/realtime-status\.\w{12}\.js", script)
    assert violations == []


@pytest.mark.parametrize(("language", "word"), [("de", "connected"), ("zh-hans", "已连接")])
def test_the_socket_is_the_same_under_a_language_s_path(
    page: Page, site: Site, language: str, word: str
) -> None:
    """The element's own languages are English and Chinese."""
    log_in(page, f"{site.address}login/?next=/{language}/about/")
    assert page.locator("html").get_attribute("lang") == language
    expect_green(page, word)
