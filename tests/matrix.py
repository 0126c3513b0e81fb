"""Runs the Django-facing tests, and e2e tests on both servers, on every Python that we support and
that is installed here: ``make matrix``. Names the versions that are missing."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "matrix"
TESTS = (
    "tests/admin",
    "tests/management",
    "tests/security",
    "tests/views",
    "tests/test_checks.py",
    "tests/test_conf.py",
    "tests/consumers",
    "tests/test_routing.py",
    "tests/e2e/test_handshakes.py",
    "tests/e2e/test_rooms.py",
)


def supported() -> list[str]:
    """The versions that pyproject.toml declares, such as ``3.12``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = [name.rpartition(" :: ")[2] for name in project["classifiers"]]
    return [version for version in versions if version.startswith("3.")]


def interpreter(version: str) -> Path | None:
    """The newest Python of this version in pyenv's folder, else the one on the PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(
        pyenv.glob(f"versions/{version}.*/bin/python"), key=lambda path: path.stat().st_mtime
    )
    named = shutil.which(f"python{version}")
    return found[-1] if found else Path(named) if named else None


def environment(version: str, python: Path) -> Path:
    """The Python of an environment with the locked packages; made again if the lock has changed."""
    folder, lock = FOLDER / version, ROOT / "requirements" / "dev.txt"
    stamp = folder / ".installed"
    inside = folder / "bin" / "python"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        install = (
            inside,
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            "--no-deps",
        )
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([*install, "--require-hashes", "-r", lock], check=True)
        subprocess.run([*install, "--no-build-isolation", "--editable", ROOT], check=True)
        stamp.touch()
    return inside


def main() -> int:
    outcomes = {}
    for version in supported():
        python = interpreter(version)
        if python is None:
            outcomes[version] = "missing"
            continue
        inside = environment(version, python)
        pytest = (inside, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile")
        done = subprocess.run([*pytest, *TESTS], check=False, cwd=ROOT)
        outcomes[version] = "failed" if done.returncode else "passed"
    for version, outcome in outcomes.items():
        sys.stdout.write(f"Python {version}: {outcome}\n")
    return int("failed" in outcomes.values() or "passed" not in outcomes.values())


if __name__ == "__main__":
    sys.exit(main())
