"""A browser of each engine, a tab, and a server of the demo project."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.browser.client.conftest import SETTINGS
from tests.e2e.support import Project, Server

from . import cable
from .bidi import firefox
from .tab import Browser, Tab
from .webdriver import chromium, webkit

# The programs that each needs. `.ci/system-packages deep` installs them.
ENGINES: dict[str, tuple[Callable[[Path], AbstractContextManager[Browser]], tuple[str, ...]]] = {
    "chromium": (chromium, ("chromium", "chromedriver")),
    "firefox": (firefox, ("firefox-esr",)),
    "webkit": (webkit, ("WebKitWebDriver", "Xvfb")),
}


@pytest.fixture(scope="package", params=ENGINES)
def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    start, programs = ENGINES[request.param]
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(
            f"{' and '.join(missing)}: not here, and .ci/system-packages could not install it"
        )
    assert cable.is_there(), "run python -m tests.engines: a network of its own is needed"
    with start(tmp_path_factory.mktemp(request.param)) as browser:
        browser.resize(1000, 800)
        yield browser


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A new tab. Those that the test leaves are closed."""
    yield browser.new_tab()
    for tab in browser.tabs():
        tab.close()


@pytest.fixture(scope="package")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(template, tmp_path_factory.mktemp("engines"))


def make_project(template: Path, folder: Path) -> Project:
    """The demo with pages that consist of what tests say; a silence of 1.5 s is a loss."""
    return Project.copy(
        template,
        folder,
        environ=SETTINGS,
        ping_interval=1,
        pong_timeout=0.5,
        session_timeout=5,
        drain_spread=0.2,
    )


@pytest.fixture(scope="package")
def server(project: Project) -> Iterator[Server]:
    with project.serve() as process:
        yield process


@pytest.fixture(autouse=True)
def _no_messages_yet(project: Project) -> None:
    """The engines share a server, so what the tests of others have published must be gone."""
    for table in ("roomentry", "roomlog"):
        project.rows(f"DELETE FROM realtime_{table}")
