"""Tombstones on Django models: late calls do not bring back what has ended."""

from collections.abc import Iterable
from typing import Any

from realtime.models import LiveSession, Tombstone
from realtime.protocol.codes import FINAL

from ..contract import TOMBSTONE_MS
from ..records import Opening, Verdict
from ..timeouts import Timeouts
from ..verdicts import verdict_for
from .transaction import Database

PRUNE_LIMIT = 5_000  # rows that one step of a sweep deletes
DELETE_BATCH = 500  # rows in one statement

_COLUMNS = [field.name for field in Tombstone._meta.fields if not field.primary_key]


class Tombstones:
    """Used within the caller's transaction."""

    def __init__(self, database: Database, timeouts: Timeouts) -> None:
        self._database = database
        self._timeouts = timeouts
        self._all = Tombstone.objects.using(database.alias)

    def find(self, names: Iterable[str], now: int) -> dict[str, Tombstone]:
        """The tombstones of these sessions, connections and workers, by name."""
        return self._all.filter(expires_at__gt=now).in_bulk(list(names))

    def exist(self, now: int, *names: str) -> bool:
        """Whether one of these has a tombstone, so that a call about it comes too late."""
        return self._all.filter(name__in=names, expires_at__gt=now).exists()

    def add(self, names: Iterable[str], now: int) -> None:
        """For abandoned connections, or a worker that has left."""
        self._put({name: {} for name in names}, now)

    def add_sessions(self, rows: Iterable[LiveSession], now: int) -> None:
        """For closed sessions, each with a verdict if its ``end_code`` is final."""
        self._put({row.id: self._verdict_columns(row, now) for row in rows}, now)

    def _verdict_columns(self, row: LiveSession, now: int) -> dict[str, Any]:
        if row.end_code < FINAL:
            return {}
        return {
            "since": now,
            "told_until": now + self._timeouts.resume_ms,
            "code": row.end_code,
            "reason": row.end_reason,
            "token_hash": row.token_hash,
            "user": row.user,
            "login": row.login,
        }

    def _put(self, given: dict[str, dict[str, Any]], now: int) -> None:
        if not given:
            return
        rows = [
            Tombstone(
                name=name,
                expires_at=max(now + TOMBSTONE_MS, columns.get("told_until", 0)),
                **columns,
            )
            for name, columns in sorted(given.items())
        ]
        self._all.bulk_create(
            rows, update_conflicts=True, unique_fields=["name"], update_fields=_COLUMNS
        )

    def verdict(self, tombstone: Tombstone, opening: Opening, now: int) -> Verdict | None:
        """The verdict for the session's own client; None for all others."""
        own = (tombstone.token_hash, tombstone.user) == (opening.token_hash, opening.peer.user)
        if not own or not tombstone.code or not self._has_verdict(tombstone, now):
            return None
        return verdict_for(opening, tombstone.code, tombstone.reason, login=tombstone.login)

    def _has_verdict(self, tombstone: Tombstone, now: int) -> bool:
        """Whether its window runs; one in the future was written by a wrong clock."""
        is_plausible = tombstone.since <= self._timeouts.latest_plausible(now)
        return now < tombstone.told_until and is_plausible

    def prune(self, now: int) -> None:
        """Delete at most PRUNE_LIMIT expired ones, without waiting for other transactions."""
        skip = self._database.connection.features.has_select_for_update_skip_locked
        expired = self._all.filter(expires_at__lte=now).order_by("expires_at")
        free = expired.select_for_update(skip_locked=skip)
        names = list(free.values_list("name", flat=True)[:PRUNE_LIMIT])
        for start in range(0, len(names), DELETE_BATCH):
            batch = names[start : start + DELETE_BATCH]
            self._all.filter(name__in=batch)._raw_delete(self._database.alias)
