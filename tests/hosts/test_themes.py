"""The admin's pages under themes that replace the admin's style sheet: they look like pages, light
and dark. The photographs are in ``build/screenshots``."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.admin.list_page import LIST, photograph, violations
from tests.browser.admin.records import insert_samples, insert_sessions, insert_worker
from tests.browser.conftest import enter, running_chromium
from tests.e2e.support import Project, Server

from .host_project import HostProject

pytestmark = pytest.mark.matrix

# Both keep the choice of the theme's switch in the browser.
CHOOSE = "for (const key of ['adminTheme', 'jazzmin-theme-mode']) localStorage[key] = {!r}"
CHOICES = {"unfold": '"{}"', "jazzmin": "{}"}


@pytest.fixture(scope="module", params=["unfold", "jazzmin"])
def project(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    settings = {"DJANGO_SETTINGS_MODULE": f"tests.hosts.{request.param}_project"}
    project = HostProject.copy(template, tmp_path_factory.mktemp(request.param), environ=settings)
    insert_sessions(project, 3)
    insert_sessions(project, 2, missed=1, username="yan", user="901")
    insert_sessions(project, 1, state="suspended", worker="", username="bob", user="902")
    insert_worker(project, 6)
    insert_samples(project)
    return project


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with project.serve() as server:
        yield server
        assert server.complaints() == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture(params=["light", "dark"])
def page(
    request: pytest.FixtureRequest,
    browser: Browser,
    server: Server,
    project: Project,
) -> Iterator[Page]:
    """The list of live sessions, and its photograph."""
    theme = project.env["DJANGO_SETTINGS_MODULE"].split(".")[-1].removesuffix("_project")
    context = browser.new_context(color_scheme=request.param, locale="en-GB")
    page = context.new_page()
    page.add_init_script(CHOOSE.format(CHOICES[theme].format(request.param)))
    enter(page, server, "admin", path=LIST)
    expect(page.locator(".realtime-plot canvas")).to_be_visible()
    photograph(page, f"{theme}-{request.param}")
    yield page
    context.close()


def style(element: Locator, name: str) -> str:
    return str(element.evaluate(f"element => getComputedStyle(element)['{name}']"))


OWN = ("color-contrast: <a ", "color-contrast: <code>")
INVISIBLE = "rgba(0, 0, 0, 0)"


def test_frames_buttons_and_labels_are_visible(page: Page) -> None:
    for tile in ("Sessions", "Suspended"):
        frame = page.locator(".realtime-totals div", has_text=tile).first
        assert style(frame, "borderTopWidth") == "1px"
        assert style(frame, "borderTopColor") != INVISIBLE
    for name in ("Show", "Disconnect chosen sessions…"):
        button = page.get_by_role("button", name=name)
        assert style(button, "backgroundColor") != INVISIBLE
    assert style(page.locator("#realtime-q"), "borderTopWidth") == "1px"
    assert style(page.get_by_text("Choose", exact=True), "width") == "1px"  # for screen readers
    link, text = page.locator("tbody td a").first, page.locator("tbody td").nth(2)
    assert style(link, "color") != style(text, "color")


def test_the_chart_has_the_theme_s_colours(page: Page) -> None:
    """Its canvas takes resolved colours only; an invalid one leaves that of the last line."""
    figure = page.locator(".realtime-chart")
    quiet, line = (
        figure.locator(f"li[data-series='{number}']").evaluate(
            "element => getComputedStyle(element, '::before').color"
        )
        for number in (2, 1)
    )
    assert quiet != line
    assert style(figure, "borderTopColor") not in (INVISIBLE, quiet, line)


def hard_to_read(page: Page) -> list[str]:
    """Violations of accessibility, other than in the theme's own colours of links and code."""
    return [each for each in violations(page) if not each.startswith(OWN)]


def test_nothing_is_hard_to_read(page: Page) -> None:
    assert hard_to_read(page) == []


def test_a_disconnect_is_confirmed(page: Page) -> None:
    page.locator("tbody input").first.check()
    page.get_by_role("button", name="Disconnect chosen sessions…").click()
    expect(page.get_by_role("button", name="Disconnect", exact=True)).to_be_visible()
    assert style(page.locator("#reason"), "borderTopWidth") == "1px"
    assert hard_to_read(page) == []
