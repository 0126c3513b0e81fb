"""What is over is taken out of the message log: entries, keys, logs."""

from typing import Any

from django.db.models import F, QuerySet

from realtime.models import RoomEntry, RoomKey, RoomLog

from ..log import KEY_KEPT_MS, LogBounds
from .ages import Ages
from .beginning import BASE, new_epoch
from .transaction import Database

# So many entries are deleted in one transaction, or those of one log: others wait for it.
ENTRIES_AT_ONCE = 5_000


class LogPruning:
    """Waits for nobody: what somebody else has locked is pruned another time."""

    def __init__(self, database: Database, bounds: LogBounds) -> None:
        self._database = database
        self._bounds = bounds
        self._logs = RoomLog.objects.using(database.alias)
        self._entries = RoomEntry.objects.using(database.alias)
        self._keys = RoomKey.objects.using(database.alias)

    def prune(self, limit: int) -> int:
        """See the contract. A log that loses its entries counts, too."""
        with self._database.write() as now:
            ages = Ages(self._database, now)
            count = self._empty(ages, limit)
            count += self._forget(now, limit - count)
            return count + self._forget_keys(ages, limit - count)

    def _empty(self, ages: Ages, limit: int) -> int:
        """Delete the entries of logs that nothing was appended to for long."""
        over = self._logs.filter(ages.over("appended_at", self._bounds.ttl_ms), size__gt=0)
        rooms: list[str] = []
        count = 0
        for log in self._free(over, "room")[:limit]:
            count += log.top - log.oldest + 1
            if rooms and count > ENTRIES_AT_ONCE:
                break
            rooms.append(log.room)
        self._entries.filter(log__in=rooms).delete()
        return self._logs.filter(room__in=rooms).update(oldest=F("top") + 1, size=0)

    def _forget(self, now: int, limit: int) -> int:
        """Delete logs without entries that nobody has asked for.

        One that began at the base takes it along: in the same epoch, the room's next log would
        give the same offsets again. Clients in rooms without a log then hear of another epoch,
        not more often than logs that begin grow old enough to be forgotten. Who has asked far
        ahead, by a clock that was wrong, has asked now.
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

    def _forget_keys(self, ages: Ages, limit: int) -> int:
        expired = self._keys.filter(ages.over("expires_at", KEY_KEPT_MS, later_ms=KEY_KEPT_MS))
        ids = [key.pk for key in self._free(expired, "pk")[:limit]]
        self._keys.filter(pk__in=ids).delete()
        return len(ids)

    def _free(self, rows: "QuerySet[Any]", order: str) -> "QuerySet[Any]":
        """Rows in an order, locked, without those that somebody else has locked."""
        skip = self._database.connection.features.has_select_for_update_skip_locked
        return rows.select_for_update(skip_locked=skip).order_by(order)
