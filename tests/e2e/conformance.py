"""``python -m tests.e2e.conformance``: the Autobahn test suite against an echo consumer under
``serve``, on both servers; ``make conformance`` starts it.

The suite wants Python 2.7. It is installed beside its reports, in ``build/conformance``.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .server_support import ROOT
from .support import ExecutedProject, make_database

PLACE = ROOT / "build" / "conformance"
SUITE, REQUIREMENTS = PLACE / "suite", ROOT / "requirements" / "conformance.txt"

# 4 MiB in fragments of 64 and of 256 bytes, and so on: more than the 4,096 that are taken of one
# message. See docs/rfc6455.md.
KNOWN = frozenset({"9.3.1", "9.3.2", "9.3.3", "9.4.1", "9.4.2", "9.4.3"})

# Compression is never negotiated.
LEFT_OUT = ["12.*", "13.*"]

LARGEST = 16 * 1024 * 1024  # bytes of a message of the suite

PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}

# A folder that pip has installed into is not one that Python looks for namespaces in.
RUN = (
    "import site, sys; site.addsitedir(sys.argv.pop(1)); "
    "from autobahntestsuite.wstest import run; run()"
)


def python2() -> str | None:
    """A Python 2.7, among pyenv's or on the path, where pyenv may have put what starts none."""
    roots = {os.environ.get("PYENV_ROOT"), str(Path.home() / ".pyenv")}
    kept = [str(p) for root in roots if root for p in Path(root).glob("versions/2.7*/bin/python")]
    return next((found for found in [*sorted(kept), "python2.7"] if starts(found)), None)


def starts(python: str) -> bool:
    """Whether it is there and runs."""
    try:
        return not subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode
    except FileNotFoundError:
        return False


def install(python: str) -> None:
    """Put the suite where it is not yet."""
    if (SUITE / ".installed").exists():
        return
    shutil.rmtree(SUITE, ignore_errors=True)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = ["--no-deps", "-r", str(REQUIREMENTS), "--target", str(SUITE)]
    subprocess.run([*command, *wanted], check=True)
    (SUITE / ".installed").touch()


def run(python: str, server: str, folder: Path) -> dict[str, str]:
    """How each case ended on one of our servers. Reports are left in ``build/conformance``."""
    reports = PLACE / server
    shutil.rmtree(reports, ignore_errors=True)
    project = ExecutedProject(
        make_database(folder),
        environ={"DJANGO_SETTINGS_MODULE": "tests.e2e.echo_project"},
        max_message_size=LARGEST,
    )
    with project.serve(server=server) as process:
        specification = {
            "outdir": str(reports),
            "servers": [{"agent": server, "url": f"ws://127.0.0.1:{process.port}"}],
            "cases": ["*"],
            "exclude-cases": LEFT_OUT,
            "exclude-agent-cases": {},
        }
        path = folder / "fuzzingclient.json"
        path.write_text(json.dumps(specification))
        with (PLACE / f"{server}.log").open("w") as log:
            arguments = [str(SUITE), "--mode", "fuzzingclient", "--spec", str(path)]
            subprocess.run([python, "-c", RUN, *arguments], check=True, stdout=log, stderr=log)
    found = json.loads((reports / "index.json").read_text())[server]
    return {case: result["behavior"] for case, result in found.items()}


def summary(server: str, ends: dict[str, str]) -> Iterator[str]:
    """The report on one server: one line, and one for each case to look at."""
    failed = {case for case, end in ends.items() if end not in PASSED}
    yield f"{server}: {len(ends) - len(failed)} of {len(ends)} cases passed; see {PLACE / server}"
    for case in sorted(failed - KNOWN):
        yield f"{server}: {case} {ends[case]}"
    for case in sorted(KNOWN - failed):
        yield f"{server}: {case} passed, which was not expected"


def main() -> int:
    """0 if both servers pass all they should, or if the suite cannot run here."""
    python = python2()
    if python is None:
        sys.stdout.write("There is no Python 2.7 here, which the Autobahn test suite wants.\n")
        return 0
    PLACE.mkdir(parents=True, exist_ok=True)
    install(python)
    code = 0
    for server in ("daphne", "uvicorn"):
        with tempfile.TemporaryDirectory(prefix="realtime-conformance-") as folder:
            lines = list(summary(server, run(python, server, Path(folder))))
        sys.stdout.write("\n".join(lines) + "\n")
        code |= len(lines) > 1
    return code


if __name__ == "__main__":
    sys.exit(main())
