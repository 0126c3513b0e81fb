"""``python -m benchmarks``: run the suites in interleaved rounds, print tables, write figures."""

import argparse
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from benchmarks.circumstances import circumstances
from benchmarks.figures import OUR_CLIENT, OURS
from benchmarks.kinds import KINDS, ROOT
from benchmarks.limits import allow_connections
from benchmarks.outcome import STORES, Outcome
from benchmarks.redis_server import RedisMissing
from benchmarks.rounds import Run, interleave
from benchmarks.suites.browser import CLIENTS, Browser
from benchmarks.suites.crowd import Crowd
from benchmarks.suites.delivery import Delivery
from benchmarks.suites.registry import Registry
from benchmarks.suites.room import Room

FULL_ROUNDS, QUICK_ROUNDS = 5, 1

Suite = Room | Crowd | Delivery | Registry | Browser

FULL: Mapping[str, Suite] = {
    "room": Room(connections=1000, interval=5.0, intervals=4, publications=200, publishing=10.0),
    "crowd": Crowd(
        connections=10_000, patience=120.0, interval=25.0, publications=20, pause=0.5, slow=100
    ),
    "delivery": Delivery(publications=10_000, missed=1000),
    "registry": Registry(sessions=100_000, reaped=10_000),
    "browser": Browser(rate=1000, seconds=20.0),
}
QUICK: Mapping[str, Suite] = {
    "room": Room(connections=200, interval=2.0, intervals=1, publications=50, publishing=2.0),
    "crowd": Crowd(connections=500, patience=30.0, interval=5.0, publications=5, pause=0.1, slow=5),
    "delivery": Delivery(publications=500, missed=200),
    "registry": Registry(sessions=5_000, reaped=1_000),
    "browser": Browser(rate=1000, seconds=3.0),
}
MOST_CONNECTIONS = 10_000


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small, once: does everything run?")
    parser.add_argument("--rounds", type=int, help=f"default: {FULL_ROUNDS}")
    parser.add_argument("--suites", nargs="+", choices=FULL, default=list(FULL))
    parser.add_argument("--servers", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES))
    parser.add_argument(
        "--store", choices=STORES, default="redis", help="of ours, but in registry (%(default)s)"
    )
    parser.add_argument("--output", type=Path, help="a page whose block is written anew")
    parser.add_argument("--render", action="store_true", help="measure nothing: the last figures")
    parser.add_argument("--keep", action="store_true", help="the last figures of other suites")
    parser.add_argument(
        "--figures", type=Path, default=ROOT / "build" / "benchmarks.json", help="(%(default)s)"
    )
    return parser


def contenders(name: str, options: argparse.Namespace) -> Mapping[str, Run]:
    """The servers of a suite, and how each is measured."""
    suite = (QUICK if options.quick else FULL)[name]
    if isinstance(suite, Registry):
        return {store: partial(suite.run, redis=store == "redis") for store in options.stores}
    redis = options.store == "redis"
    if isinstance(suite, Browser):
        return {client: partial(suite.run, client, redis=redis) for client in CLIENTS}
    kinds = [KINDS[name] for name in options.servers]
    if isinstance(suite, Delivery):
        kinds = [kind for kind in kinds if kind.is_ours]
    return {kind.name: partial(suite.run, kind, redis=redis) for kind in kinds}


def measure(options: argparse.Namespace) -> Outcome:
    """Run the suites that were asked for; the figures are written after each."""
    allow_connections(MOST_CONNECTIONS)
    suites = dict(Outcome.read(options.figures).suites) if options.keep else {}
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else FULL_ROUNDS)
    outcome = Outcome(circumstances(), suites, is_full=not options.quick, store=options.store)
    for name in options.suites:
        say(name)
        suites[name] = interleave(contenders(name, options), rounds, say=say)
        outcome.write(options.figures)
    return outcome


def say(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, write."""
    options = arguments().parse_args()
    # Servers and folders go with this process, also when it is asked to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    try:
        outcome = Outcome.read(options.figures) if options.render else measure(options)
    except (RuntimeError, RedisMissing) as error:
        raise SystemExit(str(error)) from None
    print(outcome.text())
    if options.output:
        outcome.publish(options.output)
    failed = {name for results in outcome.suites.values() for name in results.failures}
    if ours := failed.intersection({*OURS, *STORES, OUR_CLIENT}):
        raise SystemExit(f"without figures: {', '.join(sorted(ours))}")


if __name__ == "__main__":
    main()
