"""Deleting expired entries, keys and logs of the message log on Django models."""

from typing import Any

from django.db.models import F, QuerySet

from realtime.models import RoomEntry, RoomKey, RoomLog

from ..log import KEY_KEPT_MS, LogBounds
from .log_ages import Ages
from .log_base import BASE, new_epoch
from .transaction import Database

# One transaction deletes at most this many entries, or those of one log: other writes wait for it.
MAX_ENTRIES = 5_000


class LogPruning:
    """Waits for no other transaction: rows that another one has locked are pruned later."""

    def __init__(self, database: Database, bounds: LogBounds) -> None:
        self._database = database
        self._bounds = bounds
        self._logs = RoomLog.objects.using(database.alias)
        self._entries = RoomEntry.objects.using(database.alias)
        self._keys = RoomKey.objects.using(database.alias)

    def prune(self, limit: int) -> int:
        """Prune as the contract says; a log that only loses its entries counts, too."""
        with self._database.write() as now:
            ages = Ages(self._database, now)
            count = self._prune_entries(ages, limit)
            count += self._prune_logs(now, limit - count)
            return count + self._prune_keys(ages, limit - count)

    def _prune_entries(self, ages: Ages, limit: int) -> int:
        """Delete the entries of logs whose last append is too long ago."""
        over = self._logs.filter(ages.over("appended_at", self._bounds.ttl_ms), size__gt=0)
        rooms: list[str] = []
        count = 0
        for log in self._free(over, "room")[:limit]:
            count += log.top - log.oldest + 1
            if rooms and count > MAX_ENTRIES:
                break
            rooms.append(log.room)
        self._entries.filter(log__in=rooms).delete()
        return self._logs.filter(room__in=rooms).update(oldest=F("top") + 1, size=0)

    def _prune_logs(self, now: int, limit: int) -> int:
        """Delete logs without entries that were not read for long.

        Deleting one that began at the base gives the base a new epoch: in the same epoch, the
        room's next log would assign the same offsets again. Clients in rooms without a log then
        see another epoch, at most as often as new logs expire. A read in the future, by a wrong
        clock, counts as one now.
        """
        ahead = self._logs.filter(touched_at__gt=now + self._bounds.meta_ttl_ms)
        rooms = [log.room for log in self._free(ahead, "room")[:limit]]
        self._logs.filter(room__in=rooms).update(touched_at=now)
        untouched = self._logs.filter(size=0, touched_at__lte=now - self._bounds.meta_ttl_ms)
        logs = list(self._free(untouched.exclude(room=BASE), "room")[:limit])
        self._logs.filter(room__in=[log.room for log in logs]).delete()
        left = self._logs.filter(room=BASE, epoch__in={log.epoch for log in logs})
        left.update(epoch=new_epoch())
        return len(logs)

    def _prune_keys(self, ages: Ages, limit: int) -> int:
        expired = self._keys.filter(ages.over("expires_at", KEY_KEPT_MS, later_ms=KEY_KEPT_MS))
        ids = [key.pk for key in self._free(expired, "pk")[:limit]]
        self._keys.filter(pk__in=ids).delete()
        return len(ids)

    def _free(self, rows: "QuerySet[Any]", order: str) -> "QuerySet[Any]":
        """Rows in an order, locked, without those that another transaction has locked."""
        skip = self._database.connection.features.has_select_for_update_skip_locked
        return rows.select_for_update(skip_locked=skip).order_by(order)
