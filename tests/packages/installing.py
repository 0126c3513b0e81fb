"""The README's install step, run in environments of its own."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
# Seconds that pip may take to choose and fetch all packages on a busy machine and a slow line;
# matters only on failure.
INSTALL_TIMEOUT = 1500
# Nothing of this test run's Django and Python may reach the environments.
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("DJANGO_", "REALTIME_", "PYTHON", "VIRTUAL_ENV"))
}


def run(*command: str | Path, cwd: Path, timeout: float = INSTALL_TIMEOUT, **env: str) -> str:
    """The output of a command. Fails the test with that output if the command fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**CLEAN, **env},
        check=False,
        timeout=timeout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _install_commands() -> dict[str, str]:
    """The quick start's commands that install from a path, by the path's last part."""
    quick_start = README.split("## Quick start")[1].split("\n## ")[0]
    paths = re.findall(r"^    pip install (/path/to/\S+)(?: +#.*)?$", quick_start, re.MULTILINE)
    return {path.rpartition("/")[2]: f"pip install {path}" for path in paths}


COMMANDS = _install_commands()
CHECKOUT, WHEEL = "channels-realtime", "channels_realtime-*-py3-none-any.whl"


def install(kind: str, environment: Path, folder: Path) -> None:
    """Runs a command in a shell, in the environment; ``folder`` takes the place of /path/to."""
    shell = COMMANDS[kind].replace("/path/to", str(folder))
    path = f"{environment / 'bin'}:{os.environ['PATH']}"
    # Python compiles each module when it is imported.
    run("sh", "-c", f"python -m {shell} --quiet", cwd=environment, PATH=path, PIP_NO_COMPILE="1")


def linked_environment(folder: Path) -> Path:
    """A new environment that sees this one's packages, but not its editable install of ours."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=ROOT)
    [site] = (folder / "lib").glob("python*/site-packages")
    (site / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder
