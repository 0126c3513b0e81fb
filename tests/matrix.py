"""Runs the Django-facing tests on pairs of a Python and a Django, and names the missing Pythons.

``make matrix`` runs them on every supported pair, together with e2e tests on both servers and an
installation of the wheel. With ``--ends``, as ``make test`` calls it, only the tests that need no
process of their own run, and only on the lowest and the highest pair that are here; not on the pair
of the calling environment, where ``make test`` runs all tests anyway.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import django

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "matrix"
LOCKS = ROOT / "requirements"
UV = Path(sys.executable).with_name("uv")

# The first Python that a version of Django supports.
FIRST_PYTHON = {"5.2": "3.11", "6.0": "3.12", "6.1": "3.12"}

IN_PROCESS = (
    "tests/admin",
    "tests/browser/test_csp.py",
    "tests/guards/test_django.py",
    "tests/management/test_publish_command.py",
    "tests/management/test_serve_command.py",
    "tests/management/test_store_commands.py",
    "tests/project",
    "tests/security",
    "tests/test_checks.py",
    "tests/test_conf.py",
    "tests/consumers",
    "tests/test_deprecations.py",
    "tests/test_receivers.py",
    "tests/test_routing.py",
    "tests/test_tasks.py",
    "tests/test_templatetags.py",
    "tests/views",
)
# Their tests start a process each, servers of both kinds, or pip.
IN_PROCESSES = (
    "tests/browser/test_static_files.py",
    "tests/management/test_sessions_command.py",
    "tests/management/test_sweep_command.py",
    "tests/e2e/test_handshakes.py",
    "tests/e2e/test_mariadb.py",
    "tests/e2e/test_rooms.py",
    "tests/packages/test_existing_project.py",
)
# It measures time, and the ends run at a low priority beside all other tests.
NOT_AT_ENDS = (
    "--deselect",
    "tests/views/test_health.py::test_with_a_hung_store_it_answers_within_two_seconds",
)
# Without such an expression pytest leaves out the tests with this mark.
ALL_MARKS = ("-m", "matrix or not matrix")


class Pair(NamedTuple):
    """Versions such as ``3.12`` and ``6.1``."""

    django: str
    python: str

    def __str__(self) -> str:
        return f"Python {self.python}, Django {self.django}"


def number(version: str) -> tuple[int, ...]:
    """The numbers of a version, in which ``3.9`` is below ``3.10``."""
    return tuple(map(int, version.split(".")))


def classified(prefix: str) -> list[str]:
    """The versions behind this prefix in the classifiers of pyproject.toml, the lowest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    split = [name.rpartition(" :: ") for name in project["classifiers"]]
    versions = [version for before, _, version in split if before == prefix and "." in version]
    return sorted(versions, key=number)


def supported() -> list[Pair]:
    """The pairs of the classifiers, the lowest first."""
    pythons = classified("Programming Language :: Python")
    return [
        Pair(django, python)
        for django in classified("Framework :: Django")
        for python in pythons
        if number(python) >= number(FIRST_PYTHON[django])
    ]


def interpreter(version: str) -> Path | None:
    """The newest Python of this version in pyenv's folder, else the one on the PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(
        pyenv.glob(f"versions/{version}.*/bin/python"), key=lambda path: path.stat().st_mtime
    )
    named = shutil.which(f"python{version}")
    return found[-1] if found else Path(named) if named else None


def ends(pairs: list[Pair], *, calling: Pair) -> list[Pair]:
    """The lowest and the highest pair, without the calling environment's."""
    return [pair for pair in dict.fromkeys([*pairs[:1], *pairs[-1:]]) if pair != calling]


def calling_pair() -> Pair:
    """The pair of this interpreter's environment."""
    return Pair(".".join(map(str, django.VERSION[:2])), ".".join(map(str, sys.version_info[:2])))


def environment(pair: Pair, python: Path) -> Path:
    """The Python of an environment with the locked packages; made again if a lock has changed.

    uv links the packages from its cache, which takes seconds.
    """
    folder = FOLDER / f"{pair.python}-{pair.django}"
    inside, stamp = folder / "bin" / "python", folder / ".installed"
    locks = [LOCKS / "dev.txt", LOCKS / f"django-{pair.django}.txt"]
    sources = [*locks, ROOT / "pyproject.toml"]
    if not stamp.exists() or any(stamp.stat().st_mtime < each.stat().st_mtime for each in sources):
        subprocess.run([UV, "venv", "--quiet", "--clear", "--python", python, folder], check=True)
        install = (UV, "pip", "install", "--quiet", "--python", inside, "--no-deps")
        for lock in locks:
            subprocess.run([*install, "--require-hashes", "-r", lock], check=True)
        subprocess.run([*install, "--no-build-isolation", "--editable", ROOT], check=True)
        stamp.touch()
    return inside


def run(pair: Pair, python: Path, arguments: tuple[str, ...]) -> str:
    """Run pytest with these arguments in the environment of a pair. Returns the outcome."""
    sys.stdout.write(f"{pair}\n")
    sys.stdout.flush()
    pytest = (environment(pair, python), "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile")
    done = subprocess.run([*pytest, *arguments], check=False, cwd=ROOT)
    return "failed" if done.returncode else "passed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ends", action="store_true", help="the lowest and the highest pair only")
    only_ends = parser.parse_args().ends
    pythons = {pair.python: interpreter(pair.python) for pair in supported()}
    here = [pair for pair in supported() if pythons[pair.python]]
    chosen = ends(here, calling=calling_pair()) if only_ends else here
    tests = (*IN_PROCESS, *NOT_AT_ENDS) if only_ends else (*IN_PROCESS, *IN_PROCESSES, *ALL_MARKS)
    outcomes = {}
    for pair in chosen:
        python = pythons[pair.python]
        assert python is not None
        outcomes[pair] = run(pair, python, tests)
    for version in [version for version, python in pythons.items() if python is None]:
        sys.stdout.write(f"Python {version}: missing\n")
    for pair, outcome in outcomes.items():
        sys.stdout.write(f"{pair}: {outcome}\n")
    return int("failed" in outcomes.values() or not (outcomes or only_ends))


if __name__ == "__main__":
    sys.exit(main())
