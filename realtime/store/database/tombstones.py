"""Tombstones on Django models: what is over must not come back, whatever arrives late."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from realtime.models import LiveSession, Tombstone
from realtime.protocol.codes import FINAL

from ..contract import LATE_MS
from ..records import Opening, Verdict
from ..timeouts import Timeouts
from ..verdicts import verdict_for
from .transaction import Database

FORGOTTEN_AT_ONCE = 5_000  # rows that one step of a sweep deletes

_COLUMNS = [field.name for field in Tombstone._meta.fields if not field.primary_key]


class Tombstones:
    """Used within the caller's transaction."""

    def __init__(self, database: Database, windows: Timeouts) -> None:
        self._database = database
        self._windows = windows
        self._all = Tombstone.objects.using(database.alias)

    def those_of(self, names: Iterable[str], now: int) -> dict[str, Tombstone]:
        """The tombstones of these sessions, connections and workers, by their names."""
        return self._all.filter(expires_at__gt=now).in_bulk(list(names))

    def is_late(self, now: int, *names: str) -> bool:
        """Whether a call about one of these comes too late."""
        return self._all.filter(name__in=names, expires_at__gt=now).exists()

    def bury(self, names: Iterable[str], now: int) -> None:
        """Connections that were given up, or a worker that has left."""
        self._put({name: {} for name in names}, now)

    def bury_sessions(self, rows: Iterable[LiveSession], now: int) -> None:
        """Sessions that were closed, each with a verdict if its ``end_code`` is final."""
        self._put({row.id: self._verdict(row, now) for row in rows}, now)

    def _verdict(self, row: LiveSession, now: int) -> dict[str, Any]:
        if row.end_code < FINAL:
            return {}
        return {
            "since": now,
            "told_until": now + self._windows.resume_ms,
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
            Tombstone(name=name, expires_at=max(now + LATE_MS, told.get("told_until", 0)), **told)
            for name, told in sorted(given.items())
        ]
        self._all.bulk_create(
            rows, update_conflicts=True, unique_fields=["name"], update_fields=_COLUMNS
        )

    def verdict(self, tombstone: Tombstone, opening: Opening, now: int) -> Verdict | None:
        """What the session's own client is told; None for all others."""
        own = (tombstone.token_hash, tombstone.user) == (opening.token_hash, opening.peer.user)
        if not own or not tombstone.code or not self._is_told(tombstone, now):
            return None
        return verdict_for(opening, tombstone.code, tombstone.reason, login=tombstone.login)

    def _is_told(self, tombstone: Tombstone, now: int) -> bool:
        """Whether its window runs; one that has yet to begin was told by a wrong clock."""
        believed = tombstone.since <= self._windows.believed(now)
        return now < tombstone.told_until and believed

    def forget(self, now: int) -> None:
        """Delete some of those that have expired, and wait for no other transaction."""
        skip = self._database.connection.features.has_select_for_update_skip_locked
        expired = self._all.filter(expires_at__lte=now).order_by("expires_at")
        free = expired.select_for_update(skip_locked=skip)
        names = list(free.values_list("name", flat=True)[:FORGOTTEN_AT_ONCE])
        for chunk in _chunks(names, 500):
            self._all.filter(name__in=chunk)._raw_delete(self._database.alias)


def _chunks(names: Sequence[str], size: int) -> Iterable[list[str]]:
    waiting = iter(names)
    while chunk := list(islice(waiting, size)):
        yield chunk
