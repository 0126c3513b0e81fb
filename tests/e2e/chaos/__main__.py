"""``python -m tests.e2e.chaos``: one long run; ``make chaos`` starts it."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from .logins import make_server
from .planted import FAULTS
from .planted_clients import CLIENT_FAULTS
from .run import Outcome, play
from .summary import report
from .world import Scale


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="of an earlier run; without one: a new one")
    parser.add_argument("--minutes", type=float, default=10.0, help="(%(default)s)")
    parser.add_argument(
        "--planted", choices=[*FAULTS, *CLIENT_FAULTS], default="", help="a fault to be found"
    )
    return parser


async def run(folder: Path, *, seed: int, scale: Scale) -> Outcome:
    """Play in a folder that is removed afterwards."""
    with await asyncio.to_thread(make_server) as postgres:
        return await play(postgres, folder, seed=seed, scale=scale)


def main() -> int:
    """0 if every promise was kept."""
    options = arguments().parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    scale = Scale(seconds=60 * options.minutes, planted=options.planted)
    with tempfile.TemporaryDirectory(prefix="realtime-chaos-") as folder:
        outcome = asyncio.run(run(Path(folder), seed=seed, scale=scale))
    sys.stdout.write(f"{report(outcome)}\n")
    return bool(outcome.violations) or outcome.settled is None


if __name__ == "__main__":
    sys.exit(main())
