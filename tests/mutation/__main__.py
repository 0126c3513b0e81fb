"""``python -m tests.mutation [--minutes M] [--seed S] [FILE ...]``"""

import argparse
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .mutants import Mutant, mutants
from .trial import ROOT, passes

# Which tests hold a module; the first folder or file that it is in decides.
TESTS = {
    "realtime/protocol": ("tests/protocol", "tests/worker/rooms", "tests/worker/sessions"),
    "realtime/worker/rooms": ("tests/worker/rooms", "tests/worker/connections"),
    "realtime/worker/sessions": (
        "tests/worker/sessions",
        "tests/worker/rooms/test_room_reader.py",
        "tests/worker/test_runtime.py",
    ),
    "realtime/ending/sweeper.py": ("tests/ending",),
}


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


def own_tests(path: Path) -> tuple[str, ...]:
    """The tests that are named after the file: most mutants do not get past them."""
    folders = [ROOT / place for place in tests_of(path)]
    return tuple(str(file) for place in folders for file in place.rglob(f"test_{path.stem}*.py"))


def survives(mutant: Mutant) -> bool:
    """Whether all tests pass on this mutant."""
    own = own_tests(mutant.path)
    return (not own or passes(mutant, own)) and passes(mutant, tests_of(mutant.path))


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
        assert passes(None, tests), f"these fail without any change: {tests}"
    deadline = time.monotonic() + 60 * (arguments.minutes or float("inf"))

    def examine(mutant: Mutant) -> str:
        if time.monotonic() > deadline:
            return "not tried"
        if not survives(mutant):
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
