"""``manage.py sessions`` lists live or closed sessions, or disconnects one."""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import CommandError

from realtime import api
from realtime.composition import database
from realtime.ending.history import newest_first
from realtime.events.session_log import printable
from realtime.models import ClosedSession
from realtime.store.contract import StoreUnavailable
from realtime.views.serializers import as_json

from ..messages import why_unusable
from ..store_command import StoreCommand

TITLES = (
    "session", "user", "state", "worker", "address", "up, s", "latency", "missed", "resumes", "name"
)  # fmt: skip
# A session id has 32 characters, a worker's 16. Names come last: they have any length.
WIDTHS = ("<32", "<10", "<9", "<16", "<15", ">7", ">8", ">6", ">7", "<1")


class Command(StoreCommand):
    help = "List connected and suspended sessions, or closed ones, or disconnect one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--history", action="store_true", help="list the closed sessions")
        what.add_argument("--close", metavar="ID", help="disconnect this session (4500)")
        parser.add_argument("--reason", default="", help="with --close: reason shown to the user")
        parser.add_argument("--user", default="", help="only sessions of this user (primary key)")
        parser.add_argument("--worker", default="", help="only sessions of this worker")
        parser.add_argument("--room", default="", help="only connected sessions in this room")
        parser.add_argument(
            "--state", choices=["connected", "suspended"], help="only sessions in this state"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON array")

    def handle(self, **options: Any) -> None:
        _check(options)
        try:
            self._run(options)
            self.stdout.flush()
        except StoreUnavailable as error:
            raise CommandError(why_unusable(error)) from None
        except BrokenPipeError:  # the reader has closed the pipe, as `head` does
            _discard_output()

    def _run(self, options: dict[str, Any]) -> None:
        if options["close"] is not None:
            self._close(options["close"], options["reason"])
        elif options["history"]:
            self._history(options)
        else:
            self._list(options)

    def _close(self, session: str, reason: str) -> None:
        if not api.kick(session, reason=reason):
            raise CommandError(f"there is no session {session}")
        self.stdout.write("The session will be disconnected.")

    def _list(self, options: dict[str, Any]) -> None:
        exact = {name: options[name] or "" for name in ("user", "worker", "room", "state")}
        rows = (as_json(session) for session in api.iter_sessions(**exact))
        if options["json"]:
            self._print_array(rows)
            return
        self.stdout.write(_line(TITLES))
        self._print_lines((_line(_cells(row)) for row in rows), what="sessions")

    def _history(self, options: dict[str, Any]) -> None:
        closed = ClosedSession.objects.using(database().alias)
        if options["user"]:
            closed = closed.filter(user=options["user"])
        rows = (_closed(row) for chunk in newest_first(closed) for row in chunk)
        if options["json"]:
            self._print_array(rows)
            return
        self._print_lines(map(_closed_line, rows), what="closed sessions")

    def _print_lines(self, lines: Iterator[str], *, what: str) -> None:
        count = 0
        for line in lines:
            self.stdout.write(line)
            count += 1
        self.stdout.write(f"{count} {what}")

    def _print_array(self, rows: Iterator[dict[str, Any]]) -> None:
        """Print one line of JSON, row by row, without holding all rows."""
        prefix = "["
        for row in rows:
            self.stdout.write(prefix + json.dumps(row), ending="")
            prefix = ", "
        self.stdout.write("[]" if prefix == "[" else "]")


def _check(options: dict[str, Any]) -> None:
    """Raises CommandError for options that would be ignored."""
    filters = [name for name in ("user", "worker", "room", "state") if options[name]]
    if options["close"] is not None and filters:
        raise CommandError(f"--close names one session; it does not go with --{filters[0]}")
    if options["history"] and set(filters) - {"user"}:
        raise CommandError("--history goes with --user only: a closed session has no worker")
    if options["reason"] and options["close"] is None:
        raise CommandError("--reason goes with --close")


def _discard_output() -> None:
    """Send what is still buffered to the null device: at the exit it would fail again."""
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), sys.stdout.fileno())


def _line(cells: Sequence[str]) -> str:
    """Cells in columns, with two spaces after a cell that is wider than its column."""
    columns = zip(cells, WIDTHS, strict=True)
    return "  ".join(f"{printable(cell):{width}}" for cell, width in columns).rstrip()


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    latency = "-" if row["latency_ms"] is None else f"{row['latency_ms']:.0f} ms"
    text = (row["id"], row["user"] or "anonymous", row["state"], row["worker"] or "-")
    numbers = (f"{row['uptime_seconds']:.0f}", latency, str(row["missed"]), str(row["resumes"]))
    return (*text, row["address"], *numbers, row["username"])


def _closed_line(row: dict[str, Any]) -> str:
    who = f"{printable(row['user'] or 'anonymous'):<16}  {row['id']:<32}  {row['address']:<15}"
    end = f"{row['duration_seconds']:>9.1f} s  {row['code']} {printable(row['reason'])}"
    return f"{row['closed_at']}  {who}  {end}  {printable(row['username'])}".rstrip()


def _closed(row: ClosedSession) -> dict[str, Any]:
    return {
        "id": row.session,
        "user": row.user or None,
        "username": row.username,
        "address": row.address,
        "opened_at": row.opened_at.isoformat(),
        "last_seen": row.last_seen.isoformat(),
        "closed_at": row.closed_at.isoformat(),
        "duration_seconds": row.duration,
        "resumes": row.resumes,
        "code": row.code,
        "reason": row.reason,
        "pings": row.pings,
        "pongs": row.pongs,
    }
