"""The supported pairs of a Python and a Django: classifiers, bound, locks and docs agree."""

import re
import tomllib

import pytest

from tests import matrix
from tests.matrix import LOCKS, ROOT, Pair, classified, ends, number, supported

DJANGOS = classified("Framework :: Django")


def pinned(lock: str) -> list[str]:
    """The versions of Django in a lock, the lowest first."""
    return re.findall(r"^django==(\S+)", (LOCKS / f"{lock}.txt").read_text(), re.MULTILINE)


def test_every_django_has_its_first_python() -> None:
    assert list(matrix.FIRST_PYTHON) == DJANGOS
    assert supported()[0] == Pair("5.2", "3.11")
    assert supported()[-1] == Pair("6.1", "3.13")
    assert Pair("6.0", "3.11") not in supported()


def test_the_bound_ends_after_the_highest_django() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [bound] = [each for each in project["dependencies"] if each.startswith("Django")]
    major, minor = number(DJANGOS[-1])
    following = f"{major}.{minor + 1}" if minor < 2 else f"{major + 1}.0"  # Django's cycle
    assert bound == f"Django>={DJANGOS[0]},<{following}"


@pytest.mark.parametrize("version", DJANGOS)
def test_every_django_has_a_lock(version: str) -> None:
    [pin] = pinned(f"django-{version}")
    assert pin.startswith(f"{version}.")


@pytest.mark.parametrize("lock", ["base", "bench", "dev"])
def test_the_locks_have_the_newest_django_for_every_python(lock: str) -> None:
    assert pinned(lock) == [pinned(f"django-{DJANGOS[index]}")[0] for index in (0, -1)]


def test_the_readme_names_the_versions() -> None:
    *others, last = DJANGOS
    readme = (ROOT / "README.md").read_text()
    assert f"Django {', '.join(others)} or {last}" in readme


def test_the_calling_environment_is_no_end() -> None:
    low, middle, high = Pair("5.2", "3.11"), Pair("5.2", "3.13"), Pair("6.1", "3.13")
    pairs = [low, middle, high]
    assert ends(pairs, calling=low) == [high]
    assert ends(pairs, calling=high) == [low]
    assert ends(pairs, calling=middle) == [low, high]
    assert ends([low], calling=low) == []
    assert ends([low], calling=middle) == [low]
