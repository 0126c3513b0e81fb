"""``python -m benchmarks``: run the rounds, print the table, write the figures.

In every round each server runs once, one after the other, so that whatever else
the machine does meets them all.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from .driver import LoadFailed
from .idle import Idle
from .limits import allow_connections
from .report import Figures, circumstances, table
from .servers import KINDS, ROOT, Kind, ServerFailed

FULL, FULL_ROUNDS = Idle(connections=1000, interval=25.0, intervals=2), 3
QUICK, QUICK_ROUNDS = Idle(connections=200, interval=3.0, intervals=2), 1
OUTPUT = ROOT / "build" / "benchmarks.json"


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few connections, short beats, once")
    parser.add_argument("--connections", type=int, help="at once on each server")
    parser.add_argument("--interval", type=float, help="seconds between two beats")
    parser.add_argument("--rounds", type=int, help="how often each server is measured")
    parser.add_argument("--servers", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--output", type=Path, default=OUTPUT, help="JSON file (%(default)s)")
    return parser


def scenario(options: argparse.Namespace) -> Idle:
    """The scenario that was asked for."""
    chosen = QUICK if options.quick else FULL
    return replace(
        chosen,
        connections=options.connections or chosen.connections,
        interval=options.interval or chosen.interval,
    )


def run_rounds(idle: Idle, kinds: Sequence[Kind], count: int) -> dict[str, list[Figures]]:
    """The figures of every round by server. Says on standard error what it does."""
    rounds: dict[str, list[Figures]] = {kind.name: [] for kind in kinds}
    for number in range(1, count + 1):
        for kind in kinds:
            say(f"round {number} of {count}: {kind.title}, about {idle.duration + 10:.0f} s …")
            figures = idle.run(kind)
            rounds[kind.name].append(figures)
            say("  " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    return rounds


def say(text: str) -> None:
    """A line for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, write."""
    options = arguments().parse_args()
    idle, kinds = scenario(options), [KINDS[name] for name in options.servers]
    try:
        allow_connections(idle.connections)
        before = circumstances()
        rounds = run_rounds(
            idle, kinds, options.rounds or (QUICK_ROUNDS if options.quick else FULL_ROUNDS)
        )
    except (RuntimeError, ServerFailed, LoadFailed) as error:
        raise SystemExit(str(error)) from None
    is_full = idle == FULL
    print(table(rounds, {kind.name: kind.title for kind in kinds}, judge=is_full))
    result = {"scenario": asdict(idle), "circumstances": before, "rounds": rounds}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
