"""The message log on Django models.

An append locks the room's row from assigning offsets until the commit, so the order of commits is
the order of offsets, and readers see no holes.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, TypeVar

from django.db.models import FilteredRelation, Model, Q, QuerySet

from realtime.models import RoomEntry, RoomKey, RoomLog
from realtime.protocol.position import Position

from ..log import (
    MAX_BATCH,
    RECENT_MS,
    LogBounds,
    LogEnd,
    LogEntry,
    LogPage,
    PublishRequest,
    PublishResult,
    check_read,
    check_requests,
    check_rooms,
)
from .log_ages import Ages
from .log_base import BASE, base_end, new_epoch
from .log_pruning import LogPruning
from .publication_keys import PublicationKeys, key_of
from .transaction import Database

M = TypeVar("M", bound=Model)

TRIM_STEP = 50  # entries examined together where a log is too large

_END = ("room", "epoch", "top", "oldest", "appended_at")
_FOLLOWING = ("next__offset", "next__time", "next__data")


class LogOperations:
    """Logs, entries and keys as rows, for rooms with publications. Reads write nothing; what they
    find missing, :meth:`touch` writes."""

    def __init__(self, database: Database, bounds: LogBounds) -> None:
        self._database = database
        self._bounds = bounds
        self._pruning = LogPruning(database, bounds)
        self._logs = RoomLog.objects.using(database.alias)
        self._entries = RoomEntry.objects.using(database.alias)
        self._keys = PublicationKeys(database)

    def append(self, requests: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        check_requests(requests)
        if not requests:
            return ()
        with self._database.write() as began:
            logs = self._lock({request.room for request in requests}, began)
            now = self._database.now()  # waiting for the locks may have taken long
            ages = Ages(self._database, now)
            known = self._keys.find(requests, ages)
            results, entries, keys = [], [], []
            for request in requests:
                result = known.get((request.room, request.key))
                if result is None:
                    entries.append(self._next_entry(logs[request.room], request.data, ages))
                    position = Position(logs[request.room].epoch, entries[-1].offset)
                    result = PublishResult(position, now, fresh=True)
                    if request.key:
                        known[request.room, request.key] = PublishResult(position, now)
                        keys.append(key_of(request, result))
                results.append(result)
            self._write(logs, entries, keys)
            return tuple(results)

    def _lock(self, rooms: Iterable[str], now: int) -> dict[str, RoomLog]:
        """The rows of these rooms, created if missing, and locked until the commit.

        All calls create them in one order and then lock them in one order, so none deadlocks.
        """
        names = sorted(rooms)
        rows = [RoomLog(room=room, epoch="", touched_at=now) for room in names]
        while True:
            self._logs.bulk_create(rows, ignore_conflicts=True)
            chosen = self._logs.select_for_update().filter(room__in=names).order_by("room")
            logs = {log.room: log for log in chosen}
            if len(logs) == len(names):  # else one was pruned in between
                break
        self._begin([log for log in logs.values() if not log.epoch], now)
        return logs

    def _begin(self, logs: Sequence[RoomLog], now: int) -> None:
        """Let rows that were just created begin at the base. It is read only now that they exist:
        pruning an earlier log of these rooms has changed it."""
        if logs:
            epoch = self._base(now)
            for log in logs:
                log.epoch = epoch
            self._logs.filter(room__in=[log.room for log in logs]).update(epoch=epoch)

    def _base(self, now: int) -> str:
        new = {"epoch": new_epoch(), "touched_at": now}
        return self._logs.get_or_create(room=BASE, defaults=new)[0].epoch

    def _next_entry(self, log: RoomLog, data: str, ages: Ages) -> RoomEntry:
        """The log's next entry; updates the log, which :meth:`_write` saves."""
        now = ages.now
        if log.size and ages.is_over(log.appended_at, self._bounds.ttl_ms):
            self._entries.filter(log=log).delete()
            log.oldest, log.size = log.top + 1, 0
        size = len(data.encode())
        log.top += 1
        log.size += size
        log.appended_at = log.touched_at = now
        return RoomEntry(log_id=log.room, offset=log.top, time=now, size=size, data=data)

    def _write(
        self, logs: Mapping[str, RoomLog], entries: Sequence[RoomEntry], keys: Sequence[RoomKey]
    ) -> None:
        self._entries.bulk_create(entries)
        # A key that has a row already has expired.
        _overwrite(
            self._keys.rows, keys, ["room", "key"], ["epoch", "offset", "time", "expires_at"]
        )
        grown = [logs[room] for room in sorted({entry.log_id for entry in entries})]
        for log in grown:
            self._trim(log)
        _overwrite(
            self._logs, grown, ["room"], ["top", "oldest", "size", "appended_at", "touched_at"]
        )

    def _trim(self, log: RoomLog) -> None:
        """Drop the oldest entries beyond the bounds, but never the newest."""
        before = log.oldest
        while self._exceeds(log):
            held = self._entries.filter(log=log, offset__gte=log.oldest).order_by("offset")
            for offset, size in held.values_list("offset", "size")[:TRIM_STEP]:
                if offset == log.top:  # the others were deleted by hand
                    log.oldest, log.size = offset, size
                if not self._exceeds(log):
                    break
                log.oldest, log.size = offset + 1, log.size - size
        if log.oldest > before:
            self._entries.filter(log=log, offset__lt=log.oldest).delete()

    def _exceeds(self, log: RoomLog) -> bool:
        length = log.top - log.oldest + 1
        return length > self._bounds.length or (length > 1 and log.size > self._bounds.bytes)

    def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        what = {"after": after, "limit": limit, "max_bytes": max_bytes}
        while (page := self.find_page(room, **what)) is None:
            self.touch([room])
        return page

    def find_page(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage | None:
        """The result of :meth:`read`; None if neither this room nor the base has a row."""
        check_read(room, after=after, limit=limit, max_bytes=max_bytes)
        with self._database.read() as now:
            last = self._last_that_fits(room, after, limit, max_bytes)
            following = Q(entries__offset__gt=after, entries__offset__lte=last)
            # One statement: the end and the entries are of one moment.
            rows = list(
                self._logs.filter(room=room)
                .annotate(next=FilteredRelation("entries", condition=following))
                .order_by("next__offset")
                .values_list(*_END, *_FOLLOWING)
            )
            if not rows:
                base = self._logs.filter(room=BASE).values_list("epoch", flat=True).first()
                return LogPage(base_end(base), ()) if base else None
            end = self._ends(rows[:1], now)[room]
        whole = end.oldest <= after + 1 <= end.top.offset
        found = [LogEntry(*row[len(_END) :]) for row in rows] if whole else []
        # Entries deleted by hand leave a hole; the page ends there.
        held = takewhile(lambda each: each[0] == each[1].offset, enumerate(found, after + 1))
        return LogPage(end, tuple(entry for _, entry in held))

    def _last_that_fits(self, room: str, after: int, limit: int, max_bytes: int) -> int:
        """The last offset to read: determined first, because data may be large."""
        following = self._entries.filter(log=room, offset__gt=after, offset__lte=after + limit)
        last, total = after + 1, 0
        for offset, size in following.order_by("offset").values_list("offset", "size"):
            total += size
            if total > max_bytes:
                break
            last = offset
        return last

    def ends(self, rooms: Sequence[str], *, keep: bool = True) -> Mapping[str, LogEnd]:
        known, to_touch = self.find_ends(rooms, keep=keep)
        return {**known, **self.touch(to_touch)} if to_touch else known

    def find_ends(self, rooms: Sequence[str], *, keep: bool) -> tuple[dict[str, LogEnd], list[str]]:
        """Where the logs of rooms end, and which rooms to :meth:`touch` for their ends. Without
        ``keep`` there are some only while the base is missing: a read in an application's
        transaction must not lock rows."""
        check_rooms(rooms)
        with self._database.read() as now:
            rows = self._logs.filter(room__in=[*rooms, BASE]).values_list(*_END, "touched_at")
            held = {row[0]: row for row in rows}
            base = held.pop(BASE, None)
            known = self._ends(held.values(), now)
        long_ago = now - self._bounds.meta_ttl_ms // 2
        to_touch = [room for room, row in held.items() if keep and row[-1] <= long_ago]
        for room in set(rooms) - held.keys():
            if base:
                known[room] = base_end(base[1])
            else:
                to_touch.append(room)
        return known, to_touch

    def touch(self, rooms: Sequence[str]) -> dict[str, LogEnd]:
        """Keep the logs of these rooms for longer, and create the base if it is missing; returns
        where all end."""
        with self._database.write() as now:
            chosen = self._logs.select_for_update().filter(room__in=rooms).order_by("room")
            known = self._ends(chosen.values_list(*_END), now)
            self._logs.filter(room__in=list(known)).update(touched_at=now)
            base = base_end(self._base(now))
            return {room: known.get(room, base) for room in rooms}

    def recent(self) -> Mapping[str, LogEnd] | None:
        with self._database.read() as now:
            # After a clock was set back, logs in the future would stay the newest.
            between = (now - RECENT_MS + 1, now + RECENT_MS)
            recent = self._logs.filter(size__gt=0, appended_at__range=between)
            rows = recent.order_by("-appended_at", "room").values_list(*_END)[:MAX_BATCH]
            return self._ends(rows, now)

    def prune(self, limit: int = MAX_BATCH) -> int:
        return self._pruning.prune(limit)

    def _ends(self, rows: Iterable[Sequence[Any]], now: int) -> dict[str, LogEnd]:
        """Where logs end, from rows that begin with the columns of _END."""
        ages, ends = Ages(self._database, now), {}
        for room, epoch, top, oldest, appended_at, *_ in rows:
            is_over = ages.is_over(appended_at, self._bounds.ttl_ms)
            ends[room] = LogEnd(Position(epoch, top), top + 1 if is_over else oldest)
        return ends


def _overwrite(
    rows: QuerySet[M], given: Sequence[M], unique: Sequence[str], columns: Sequence[str]
) -> None:
    """Insert these rows or overwrite existing ones: far faster than ``bulk_update``."""
    rows.bulk_create(given, update_conflicts=True, unique_fields=unique, update_fields=columns)
