"""``manage.py sweep`` runs the sweeper, once or periodically."""

import asyncio
import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError
from msgspec.structs import asdict

from realtime import composition
from realtime.common.platforms import on_stop_signal
from realtime.servers.common.process_exit import exit_within
from realtime.store.contract import StoreUnavailable, StoreUnusable
from realtime.store.records import SweepReport

from ..messages import why_unusable
from ..store_command import StoreCommand

EXIT_TIMEOUT = 0.5


def seconds(text: str) -> float:
    """Parse an interval above zero for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")
    return value


class Command(StoreCommand):
    help = (
        "Suspend sessions of lost workers, close expired ones, prune the history. Any number of "
        "sweeps may run at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--interval",
            type=seconds,
            metavar="SECONDS",
            help="sweep this often, until SIGTERM or SIGINT",
        )
        parser.add_argument("--dry-run", action="store_true", help="only report what would be done")
        parser.add_argument("--json", action="store_true", help="print one JSON object per sweep")
        parser.add_argument(
            "--adopt-store",
            action="store_true",
            help="do not sweep; take over the store of a deployment with another SECRET_KEY",
        )

    def handle(self, **options: Any) -> None:
        if options["adopt_store"]:
            self._adopt()
            return
        asyncio.run(self._run(options))

    def _adopt(self) -> None:
        try:
            composition.blocking_store().own(adopt=True)
        except StoreUnavailable as error:
            raise CommandError(why_unusable(error)) from None
        self.stdout.write("The store belongs to this SECRET_KEY now.")

    async def _run(self, options: dict[str, Any]) -> None:
        context = composition.build()
        context.sweeper.quiet = options["verbosity"] < 2  # the report has the counts
        work = asyncio.create_task(self._sweeps(context, options), name="sweeps")
        if options["interval"]:
            on_stop_signal(work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            # Do not wait for threads that wait for the database.
            exit_within(EXIT_TIMEOUT)
        finally:
            await context.aclose()

    async def _sweeps(self, context: composition.StoreContext, options: dict[str, Any]) -> None:
        await self._sweep(context, options)
        while options["interval"]:
            await asyncio.sleep(options["interval"])
            await self._sweep(context, options)

    async def _sweep(self, context: composition.StoreContext, options: dict[str, Any]) -> None:
        work = context.sweeper.dry_run if options["dry_run"] else context.sweeper.sweep
        try:
            report = await work()
        except StoreUnavailable as error:
            if isinstance(error, StoreUnusable) or not options["interval"]:
                raise CommandError(why_unusable(error)) from None
            self.stderr.write(why_unusable(error))
            return
        if not options["interval"]:  # with an interval, receivers must not delay the next sweep
            await context.dispatcher.settle()
        self.stdout.write(_json(report) if options["json"] else _sentence(report))
        self.stdout.flush()


def _json(report: SweepReport) -> str:
    values = asdict(report)
    del values["at"]
    return json.dumps(values)


DONE = "Suspended {0}, closed {1} sessions; {2} workers lost; pruned {3} history rows ({4:g} ms)."
DRY = (
    "Would suspend {0}, close {1} sessions; {2} workers lost; would prune {3} history rows "
    "({4:g} ms)."
)


def _sentence(report: SweepReport) -> str:
    counts = report.suspended, report.closed, report.workers_lost, report.history_pruned
    return (DRY if report.dry_run else DONE).format(*counts, report.took_ms)
