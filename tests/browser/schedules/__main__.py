"""``python -m tests.browser.schedules``: random schedules of tabs, or of components in a page, in
Chromium; ``make deep`` runs three hundred."""

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.chaos.planted import FAULTS as SERVER_FAULTS
from tests.e2e.support import make_database

from ..conftest import ARGUMENTS, CHROMIUM
from .plan import FAULTS as PAGE_FAULTS
from .run import LOG_LENGTHS, play
from .world import World


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.schedules", description=__doc__)
    parser.add_argument("kind", choices=LOG_LENGTHS, nargs="?", default="tabs")
    parser.add_argument("--seed", type=int, help="of an earlier run; without one: a new one")
    parser.add_argument("--first", type=int, default=1, help="the number of the first round")
    parser.add_argument("--rounds", type=int, default=300, help="(%(default)s)")
    faults = [*SERVER_FAULTS, *PAGE_FAULTS]
    parser.add_argument("--planted", choices=faults, default="", help="a fault to be found")
    return parser


def run(browser: Browser, folder: Path, options: argparse.Namespace, seed: int) -> bool:
    """Whether something is wrong."""
    is_page_fault = options.planted in PAGE_FAULTS
    events: Counter[str] = Counter()
    wrong = 0
    template = make_database(folder)
    planted = "" if is_page_fault else options.planted
    length = LOG_LENGTHS[options.kind]
    with World(browser, template, folder, log_length=length, planted=planted) as world:
        numbers = range(options.first, options.first + options.rounds)
        fault = options.planted if is_page_fault else ""
        for verdict in play(world, options.kind, seed, numbers, fault=fault):
            events += verdict.events
            if verdict.faults:
                wrong += 1
                say(str(verdict))
    say(f"{options.rounds} rounds, {wrong} of them wrong: {dict(events)}")
    return wrong > 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """0 if every promise was kept."""
    options = arguments().parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    say(f"seed {seed}")
    with (
        tempfile.TemporaryDirectory(prefix="realtime-schedules-") as folder,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        return run(browser, Path(folder), options, seed)


if __name__ == "__main__":
    sys.exit(main())
