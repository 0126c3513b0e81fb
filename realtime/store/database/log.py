"""The message log on Django models.

A room's row is locked while its offsets are given, until the commit: so the order of commits
is the order of offsets, and whoever reads sees no holes.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Protocol, TypeVar

from django.db.models import FilteredRelation, Model, Q, QuerySet

from realtime.models import RoomEntry, RoomKey, RoomLog
from realtime.protocol.position import Position

from ..log import (
    MAX_BATCH,
    RECENT_MS,
    BlockingLog,
    Log,
    LogBounds,
    LogEnd,
    LogEntry,
    LogPage,
    PublishRequest,
    PublishResult,
    check_drafts,
    check_read,
    check_rooms,
)
from .ages import Ages
from .append_queue import AppendQueue
from .beginning import BASE, at, new_epoch
from .keys import PublicationKeys, key_of
from .pruning import LogPruning
from .transaction import Database

T = TypeVar("T")
M = TypeVar("M", bound=Model)

# So many entries are looked at together where a log is too large.
STEP = 50

_END = ("room", "epoch", "top", "oldest", "appended_at")
_FOLLOWING = ("next__offset", "next__time", "next__data")


class DatabaseBlockingLog(BlockingLog):
    """Logs, entries and keys as rows, of rooms that something was published to. What only
    reads finds missing is written by :meth:`keep`."""

    def __init__(self, database: Database, bounds: LogBounds) -> None:
        self._database = database
        self._bounds = bounds
        self._pruning = LogPruning(database, bounds)
        self._logs = RoomLog.objects.using(database.alias)
        self._entries = RoomEntry.objects.using(database.alias)
        self._keys = PublicationKeys(database)

    # ------------------------------------------------------------ appending

    def append(self, drafts: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        check_drafts(drafts)
        if not drafts:
            return ()
        with self._database.write() as began:
            logs = self._lock({draft.room for draft in drafts}, began)
            now = self._database.now()  # the locks may have taken their time
            ages = Ages(self._database, now)
            known = self._keys.recall(drafts, ages)
            answers, entries, keys = [], [], []
            for draft in drafts:
                answer = known.get((draft.room, draft.key))
                if answer is None:
                    entries.append(self._next(logs[draft.room], draft.data, ages))
                    position = Position(logs[draft.room].epoch, entries[-1].offset)
                    answer = PublishResult(position, now, fresh=True)
                    if draft.key:
                        known[draft.room, draft.key] = PublishResult(position, now)
                        keys.append(key_of(draft, answer))
                answers.append(answer)
            self._write(logs, entries, keys)
            return tuple(answers)

    def _lock(self, rooms: Iterable[str], now: int) -> dict[str, RoomLog]:
        """The rows of these rooms, made if there are none, and locked until the commit.

        Everybody makes them in one order and then locks them in one order, so nobody waits
        for somebody who waits for him.
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
        """Rows that were just made begin at the base as it is now that they are there: what was
        pruned of these rooms before has changed it."""
        if logs:
            epoch = self._base(now)
            for log in logs:
                log.epoch = epoch
            self._logs.filter(room__in=[log.room for log in logs]).update(epoch=epoch)

    def _base(self, now: int) -> str:
        new = {"epoch": new_epoch(), "touched_at": now}
        return self._logs.get_or_create(room=BASE, defaults=new)[0].epoch

    def _next(self, log: RoomLog, data: str, ages: Ages) -> RoomEntry:
        """The log's next entry, and the log as it is then."""
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
        # One that is there has expired.
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
        """The oldest go first, and the newest never."""
        before = log.oldest
        while self._exceeds(log):
            held = self._entries.filter(log=log, offset__gte=log.oldest).order_by("offset")
            for offset, size in held.values_list("offset", "size")[:STEP]:
                if offset == log.top:  # somebody has deleted the others by hand
                    log.oldest, log.size = offset, size
                if not self._exceeds(log):
                    break
                log.oldest, log.size = offset + 1, log.size - size
        if log.oldest > before:
            self._entries.filter(log=log, offset__lt=log.oldest).delete()

    def _exceeds(self, log: RoomLog) -> bool:
        length = log.top - log.oldest + 1
        return length > self._bounds.length or (length > 1 and log.size > self._bounds.bytes)

    # ------------------------------------------------------------ reading

    def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        what = {"after": after, "limit": limit, "max_bytes": max_bytes}
        while (found := self.extract(room, **what)) is None:
            self.keep([room])
        return found

    def extract(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage | None:
        """What :meth:`read` answers; None if there is no row of this room, and none of the
        base."""
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
                return LogPage(at(base), ()) if base else None
            end = self._ends(rows[:1], now)[room]
        whole = end.oldest <= after + 1 <= end.top.offset
        found = [LogEntry(*row[len(_END) :]) for row in rows] if whole else []
        # What somebody has deleted by hand leaves a hole; nothing beyond it follows.
        held = takewhile(lambda each: each[0] == each[1].offset, enumerate(found, after + 1))
        return LogPage(end, tuple(entry for _, entry in held))

    def _last_that_fits(self, room: str, after: int, limit: int, max_bytes: int) -> int:
        """The last offset to read: looked up beforehand, because data may be large."""
        following = self._entries.filter(log=room, offset__gt=after, offset__lte=after + limit)
        last, total = after + 1, 0
        for offset, size in following.order_by("offset").values_list("offset", "size"):
            total += size
            if total > max_bytes:
                break
            last = offset
        return last

    def ends(self, rooms: Sequence[str]) -> Mapping[str, LogEnd]:
        known, lacking = self.look(rooms)
        return {**known, **self.keep(lacking)} if lacking else known

    def look(self, rooms: Sequence[str]) -> tuple[dict[str, LogEnd], list[str]]:
        """Where the logs of rooms end, and for which of them something has to be written: they
        are to be remembered for longer, or there is no base."""
        check_rooms(rooms)
        with self._database.read() as now:
            rows = self._logs.filter(room__in=[*rooms, BASE]).values_list(*_END, "touched_at")
            held = {row[0]: row for row in rows}
            base = held.pop(BASE, None)
            known = self._ends(held.values(), now)
        long_ago = now - self._bounds.meta_ttl_ms // 2
        lacking = [room for room, row in held.items() if row[-1] <= long_ago]
        for room in set(rooms) - held.keys():
            if base:
                known[room] = at(base[1])
            else:
                lacking.append(room)
        return known, lacking

    def keep(self, rooms: Sequence[str]) -> dict[str, LogEnd]:
        """Remember the logs of these rooms for longer, those that there are; where all end."""
        with self._database.write() as now:
            chosen = self._logs.select_for_update().filter(room__in=rooms).order_by("room")
            known = self._ends(chosen.values_list(*_END), now)
            self._logs.filter(room__in=list(known)).update(touched_at=now)
            base = at(self._base(now))
            return {room: known.get(room, base) for room in rooms}

    def recent(self) -> Mapping[str, LogEnd] | None:
        with self._database.read() as now:
            # A clock that was set back leaves some in the future: they would stay the newest.
            at = (now - RECENT_MS + 1, now + RECENT_MS)
            lately = self._logs.filter(size__gt=0, appended_at__range=at)
            rows = lately.order_by("-appended_at", "room").values_list(*_END)[:MAX_BATCH]
            return self._ends(rows, now)

    def prune(self, limit: int = MAX_BATCH) -> int:
        return self._pruning.prune(limit)

    def _ends(self, rows: Iterable[Sequence[Any]], now: int) -> dict[str, LogEnd]:
        """Where logs end; of each the columns of _END, and perhaps more."""
        ages, ends = Ages(self._database, now), {}
        for room, epoch, top, oldest, appended_at, *_ in rows:
            is_over = ages.is_over(appended_at, self._bounds.ttl_ms)
            ends[room] = LogEnd(Position(epoch, top), top + 1 if is_over else oldest)
        return ends


def _overwrite(
    rows: QuerySet[M], given: Sequence[M], unique: Sequence[str], columns: Sequence[str]
) -> None:
    """Write these rows over those that are there: far quicker than ``bulk_update``."""
    rows.bulk_create(given, update_conflicts=True, unique_fields=unique, update_fields=columns)


class ReadDriver(Protocol):
    """Reads off the event loop."""

    async def __call__(self, call: Callable[[], T]) -> T: ...


class WriteDriver(Protocol):
    """Writes off the event loop, in a transaction that others may share unless ``alone``."""

    async def __call__(self, call: Callable[[], T], *, alone: bool = False) -> T: ...


class TimeoutDriver(Protocol):
    """Waits for an answer, but not for ever: then it raises StoreUnavailable."""

    async def __call__(self, answer: Awaitable[T]) -> T: ...


class DatabaseLog(Log):
    """:class:`DatabaseBlockingLog` off the event loop.

    Appends are gathered. Writes that lock rooms are never parts of one transaction where
    several run side by side: it would lock rooms in any order.
    """

    def __init__(
        self,
        log: DatabaseBlockingLog,
        database: Database,
        read: ReadDriver,
        write: WriteDriver,
        in_time: TimeoutDriver,
    ) -> None:
        self._log = log
        self._database = database
        self._read = read
        self._write = write
        self._in_time = in_time
        self.gathering = AppendQueue(self._append)

    async def append(self, drafts: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        check_drafts(drafts)  # before they are among those of others
        return await self._in_time(self.gathering.add(drafts)) if drafts else ()

    async def _append(self, drafts: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        alone = self._database.is_shared
        return await self._write(lambda: self._log.append(drafts), alone=alone)

    async def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        what = {"after": after, "limit": limit, "max_bytes": max_bytes}
        while (found := await self._read(lambda: self._log.extract(room, **what))) is None:
            await self._keep([room])
        return found

    async def ends(self, rooms: Sequence[str]) -> Mapping[str, LogEnd]:
        known, lacking = await self._read(lambda: self._log.look(rooms))
        return {**known, **await self._keep(lacking)} if lacking else known

    async def _keep(self, rooms: Sequence[str]) -> dict[str, LogEnd]:
        alone = self._database.is_shared
        return await self._write(lambda: self._log.keep(rooms), alone=alone)

    async def recent(self) -> Mapping[str, LogEnd] | None:
        return await self._read(self._log.recent)

    async def prune(self, limit: int = MAX_BATCH) -> int:
        return await self._write(lambda: self._log.prune(limit))
