"""``manage.py sessions``: list sessions, look at the history, disconnect one."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realtime import api
from realtime.management.words import why_unusable
from realtime.models import ClosedSession
from realtime.presentation import as_json
from realtime.store.base import BATCH, StoreUnavailable
from realtime.store.database.transaction import speaking
from realtime.store.records import Query, Session, SessionState
from realtime.worker.foundation import blocking_store, database

COLUMNS = "{:<24}{:<16}{:<11}{:<18}{:<18}{:>9}{:>10}{:>7}"


class Command(BaseCommand):
    """Reads the store; a close is stored, and reaches the socket within a flush or two."""

    help = "List connected and suspended sessions, or closed ones, or disconnect one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--history", action="store_true", help="list the closed sessions")
        what.add_argument("--close", metavar="ID", help="disconnect this session (4500)")
        parser.add_argument("--reason", default="", help="with --close: what its user is told")
        parser.add_argument("--user", default="", help="only sessions of this user (primary key)")
        parser.add_argument("--worker", default="", help="only sessions of this worker")
        parser.add_argument("--room", default="", help="only those connected and in this room")
        parser.add_argument("--state", choices=["connected", "suspended"])
        parser.add_argument("--json", action="store_true", help="print one JSON array")

    def handle(self, **options: Any) -> None:
        _check(options)
        try:
            self._run(options)
        except StoreUnavailable as error:
            raise CommandError(why_unusable(error)) from None

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
        state = SessionState(options["state"]) if options["state"] else None
        exact = {name: options[name] for name in ("user", "worker", "room")}
        rows = [as_json(session) for session in _all(Query(**exact, state=state))]
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        self.stdout.write(COLUMNS.format(*_titles()))
        for row in rows:
            self.stdout.write(COLUMNS.format(*_cells(row)))
        self.stdout.write(f"{len(rows)} sessions")

    def _history(self, options: dict[str, Any]) -> None:
        closed = ClosedSession.objects.using(database().alias)
        if options["user"]:
            closed = closed.filter(user=options["user"])
        with speaking():
            rows = [_closed(row) for row in closed.iterator()]
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            self.stdout.write(
                f"{row['closed_at']}  {row['user'] or 'anonymous':<16} {row['address']:<18} "
                f"{row['duration_seconds']:>9.1f} s  {row['code']} {row['reason']}"
            )
        self.stdout.write(f"{len(rows)} closed sessions")


def _check(options: dict[str, Any]) -> None:
    """Options that would be ignored are a mistake. Raises CommandError."""
    filters = [name for name in ("user", "worker", "room", "state") if options[name]]
    if options["close"] is not None and filters:
        raise CommandError(f"--close names one session; it does not go with --{filters[0]}")
    if options["history"] and set(filters) - {"user"}:
        raise CommandError("--history goes with --user only: a closed session has no worker")
    if options["reason"] and options["close"] is None:
        raise CommandError("--reason goes with --close")


def _all(query: Query) -> Iterator[Session]:
    store = blocking_store()
    cursor = ""
    while True:
        page = store.page(query, limit=BATCH, cursor=cursor)
        yield from page.sessions
        cursor = page.cursor
        if not cursor:
            return


def _titles() -> tuple[str, ...]:
    return ("session", "user", "state", "worker", "address", "up, s", "latency", "missed")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    latency = "-" if row["latency_ms"] is None else f"{row['latency_ms']:.0f} ms"
    text = (row["id"], row["user"] or "anonymous", row["state"], row["worker"] or "-")
    return (*text, row["address"], f"{row['uptime_seconds']:.0f}", latency, str(row["missed"]))


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
    }
