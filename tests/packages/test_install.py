"""The README's install step, with the packages that the lock has already."""

from pathlib import Path

import pytest

import realtime
from release.dist import Packages

from .installing import CHECKOUT, COMMANDS, README, ROOT, WHEEL, install, linked_environment, run

IMPORT = "import realtime; print(realtime.__file__, realtime.__version__)"


def test_the_readme_installs_no_package_from_an_index_yet() -> None:
    assert COMMANDS.keys() == {CHECKOUT, WHEEL}
    assert "pip install channels-realtime" not in README


def test_the_readme_s_command_installs_a_wheel(packages: Packages, tmp_path: Path) -> None:
    environment = linked_environment(tmp_path / "environment")
    install(WHEEL, environment, packages.folder)
    output = run(environment / "bin/python", "-c", IMPORT, cwd=tmp_path)
    place, version = output.split()
    assert Path(place).is_relative_to(environment)
    assert version == realtime.__version__


@pytest.mark.matrix
@pytest.mark.timeout(1800)
def test_the_readme_s_command_installs_a_checkout(tmp_path: Path) -> None:
    run("git", "clone", "--quiet", ROOT, tmp_path / "channels-realtime", cwd=tmp_path)
    run("python3", "-m", "venv", tmp_path / "environment", cwd=tmp_path)
    environment = tmp_path / "environment"
    install(CHECKOUT, environment, tmp_path)
    assert str(environment) in run(environment / "bin/python", "-c", IMPORT, cwd=tmp_path)
    assert "No broken requirements" in run(
        environment / "bin/python", "-m", "pip", "check", cwd=tmp_path
    )
    # As the error of `serve --server uvicorn` advises.
    pip = (environment / "bin/python", "-m", "pip", "install", "--quiet")
    run(*pip, "channels-realtime[uvicorn]", cwd=tmp_path)
    run(environment / "bin/python", "-c", "import uvicorn, websockets", cwd=tmp_path)
