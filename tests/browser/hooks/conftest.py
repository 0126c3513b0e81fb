"""Pages that Vite builds of the npm package with real frameworks, beside the demo's server."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, Route

from tests.e2e.support import Project, Server
from tests.packages.installing import ROOT, run

from ..client.client_page import bare
from ..client.conftest import SETTINGS
from ..conftest import enter

FOLDER = Path(__file__).parent
Open = Callable[..., Page]


def _copy(name: str, folder: Path) -> Path:
    """A copy of an npm project with its locked packages installed."""
    shutil.copytree(FOLDER / name, folder, ignore=shutil.ignore_patterns("node_modules"))
    run("npm", "ci", "--loglevel=error", cwd=folder)
    return folder


@pytest.fixture(scope="package")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo, with pages that consist of what the tests say."""
    folder = tmp_path_factory.mktemp("project")
    return Project.copy(template, folder, environ=SETTINGS, ping_interval=1, flush_interval=0.3)


@pytest.fixture(scope="package")
def server(project: Project) -> Iterator[Server]:
    with project.serve_cleanly() as process:
        yield process


@pytest.fixture(scope="package")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm project of the pages, with ours installed as a tarball."""
    folder = tmp_path_factory.mktemp("hooks")
    app = _copy("app", folder / "app")
    client = ROOT / "realtime/js"
    run("npm", "pack", "--silent", "--pack-destination", folder, cwd=client)
    [package] = folder.glob("*.tgz")
    run("npm", "install", "--no-save", "--offline", "--loglevel=error", package, cwd=app)
    return app


@pytest.fixture(scope="package")
def built(app: Path) -> Path:
    run("npx", "vite", "build", cwd=app)
    return app / "dist"


@pytest.fixture(scope="package")
def built_with_react_18(app: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    older = _copy("react18", tmp_path_factory.mktemp("older") / "react18")
    modules = str(older / "node_modules")
    run("npx", "vite", "build", "--outDir", "dist-18", cwd=app, REACT_MODULES=modules)
    return app / "dist-18"


@pytest.fixture(scope="package")
def rendered(app: Path) -> dict[str, str]:
    """The markup that a server renders of the pages, by framework."""
    output = run("npm", "run", "--silent", "render", cwd=app)
    found: dict[str, str] = json.loads(output.splitlines()[-1])
    return found


@pytest.fixture
def lines(page: Page) -> list[str]:
    """Warnings and errors in the page's console, where hydration complains. The list grows."""
    lines: list[str] = []

    def add(line: ConsoleMessage) -> None:
        if line.type in ("warning", "error"):
            lines.append(line.text)

    page.on("console", add)
    return lines


def _within(route: Route) -> str:
    """The path of the file in the build."""
    return route.request.url.partition("/app/")[2]


@pytest.fixture
def open_page(page: Page, server: Server, lines: list[str]) -> Iterator[Open]:
    """Opens a page of a build as a logged-in user; ``html`` is what a server has rendered of it."""

    def open_page(build: Path, name: str, *, html: str = "") -> Page:
        text = (build / f"{name}.html").read_text()
        text = text.replace('<div id="app">', f'<div id="app">{html}')
        page.route("**/app/**", lambda route: route.fulfill(path=build / _within(route)))
        # From the server: Chromium lets no other page of this origin open a socket to loopback.
        enter(page, server, "ann", path=bare(server, text).removeprefix(server.url))
        return page

    yield open_page
    assert lines == []
