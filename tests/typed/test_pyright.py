"""Pyright, strict, on the code of this folder; mypy sees it in ``make types``."""

import sys
from pathlib import Path

import pytest

from tests.packages.installing import run

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def pyright() -> Path:
    run("npm", "ci", "--loglevel=error", cwd=FOLDER)
    return FOLDER / "node_modules" / ".bin" / "pyright"


def test_it_finds_nothing(pyright: Path) -> None:
    assert "0 errors" in run(pyright, "--pythonpath", sys.executable, cwd=FOLDER)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("api.kick('id', 4500)", "Expected 1 positional argument"),
        ("api.publish('news')", 'Argument missing for parameter "data"'),
        ("api.sessions(state=1)", "reportArgumentType"),
        ("RoomMessage.date", "reportAttributeAccessIssue"),
    ],
)
def test_a_mistake_is_found(wrong: str, expected: str, pyright: Path, tmp_path: Path) -> None:
    """It knows which arguments are keywords, which are required, and the attributes."""
    code = f"from realtime import api\nfrom realtime.consumers import RoomMessage\n{wrong}\n"
    (tmp_path / "mistake.py").write_text(code)
    with pytest.raises(AssertionError, match=expected):
        run(pyright, "--pythonpath", sys.executable, tmp_path / "mistake.py", cwd=FOLDER)
