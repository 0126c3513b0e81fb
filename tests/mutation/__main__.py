"""``python -m tests.mutation [--minutes M] [--seed S] [FILE ...]``"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .mutants import Mutant, mutants
from .plugin import MODULE, SOURCE

ROOT = Path(__file__).resolve().parents[2]
# Which tests hold a module; the first folder or file that it is in decides.
TESTS = {
    "realtime/protocol": ("tests/protocol", "tests/worker/rooms", "tests/worker/sessions"),
    "realtime/worker/rooms": ("tests/worker/rooms", "tests/worker/connections"),
    "realtime/worker/sessions": ("tests/worker/sessions", "tests/worker/test_runtime.py"),
    "realtime/ending/sweeper.py": ("tests/ending",),
}
TIME_LIMIT = 120.0  # seconds; tests that hang have noticed the change


def files(named: list[Path]) -> list[Path]:
    """The modules to change: those that are named, or all that have an entry in TESTS."""
    found: set[Path] = set()
    for place in named or [ROOT / place for place in TESTS]:
        found |= set(place.rglob("*.py")) if place.is_dir() else {place}
    return sorted(file.resolve() for file in found)


def tests_of(path: Path) -> tuple[str, ...]:
    """The tests that are run on a mutant of this file."""
    name = str(path.relative_to(ROOT))
    return next((tests for place, tests in TESTS.items() if name.startswith(place)), ("tests",))


def survives(mutant: Mutant | None, tests: tuple[str, ...]) -> bool:
    """Whether all the tests pass, on this mutant or on the code as it is."""
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "tests.mutation.plugin"]
    options += ["--hypothesis-profile=quick", "-m", "not server"]
    with tempfile.NamedTemporaryFile("w", suffix=".py") as source:
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        if mutant is not None:
            source.write(mutant.source)
            source.flush()
            module = ".".join(mutant.path.relative_to(ROOT).with_suffix("").parts)
            env |= {MODULE: module.removesuffix(".__init__"), SOURCE: source.name}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *tests],
                check=False, cwd=ROOT, env=env, capture_output=True, timeout=TIME_LIMIT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--minutes", type=float, help="stop after these; without: try every change")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    chosen = [mutant for path in files(arguments.files) for mutant in mutants(path)]
    random.Random(arguments.seed).shuffle(chosen)
    report(f"{len(chosen)} mutants, seed {arguments.seed}")
    for tests in {tests_of(mutant.path) for mutant in chosen}:
        assert survives(None, tests), f"these fail without any change: {tests}"
    deadline = time.monotonic() + 60 * (arguments.minutes or float("inf"))

    def examine(mutant: Mutant) -> str:
        if time.monotonic() > deadline:
            return "not tried"
        if not survives(mutant, tests_of(mutant.path)):
            return "caught"
        place = f"{mutant.path.relative_to(ROOT)}:{mutant.line}"
        report(f"{place}: {mutant.change}")
        return "survived"

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        outcomes = Counter(pool.map(examine, chosen))
    report(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
