"""The npm tarball in a new Vite application: types, bundle, a page that a server renders."""

import shutil
from pathlib import Path

import pytest

from release.dist import Packages

from .installing import run

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def application(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application with its locked packages and the tarball installed."""
    folder = tmp_path_factory.mktemp("vite") / "application"
    ignored = shutil.ignore_patterns("node_modules")
    shutil.copytree(Path(__file__).with_name("vite"), folder, ignore=ignored)
    run("npm", "ci", "--loglevel=error", cwd=folder)
    run("npm", "install", "--no-save", "--loglevel=error", packages.npm, cwd=folder)
    return folder


def test_it_builds_with_checked_types(application: Path) -> None:
    run("npm", "run", "build", cwd=application)
    [script] = (application / "dist/assets").glob("*.js")
    assert "realtime-status" in script.read_text()


def test_a_misspelt_event_is_a_type_error(application: Path) -> None:
    main = application / "src/main.ts"
    text = main.read_text()
    main.write_text(text.replace('"message"', '"mesage"'))
    with pytest.raises(AssertionError, match="mesage"):
        run("npx", "tsc", cwd=application)
    main.write_text(text)


def test_a_server_renders_with_it(application: Path) -> None:
    assert "<p>disconnected</p>" in run("npm", "run", "render", cwd=application)
