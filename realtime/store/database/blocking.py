"""The store contract on Django models, for a thread that waits."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import asdict

from realtime.models import LiveSession, Registry
from realtime.protocol.codes import FINAL

from ..contract import BATCH, LONGEST_REASON, BlockingStore, exactly_one
from ..log import BOUNDS, LogBounds
from ..ownership import Owner
from ..records import (
    Attendance,
    BeatAnswer,
    CloseRequest,
    Departure,
    LossReason,
    LostSession,
    Opening,
    Overdue,
    Page,
    Query,
    Registration,
    Session,
    SessionLimit,
    SessionUpdate,
    Stats,
    StatsSample,
    SweepReport,
    Swept,
    Verdict,
    WorkerReport,
)
from ..timeouts import Timeouts
from . import rows
from .arriving import Openings
from .ends import RequestedEnds
from .log import DatabaseBlockingLog
from .memberships import Memberships
from .ownership import Ownership
from .queries import Queries
from .registering import Registrations
from .rows import CLOSING, CONNECTED, ONLINE, SUSPENDED
from .stats import RegistryStats
from .sweeping import Sweep
from .tombstones import Tombstones
from .transaction import Database
from .workers import WorkerLeases

# What shows a repeated suspend or close that it was there before.
_MOVED_BY = ("state", "claimant", "worker")


class BeatRow(NamedTuple):
    """Where a session stands, as far as a beat is concerned."""

    id: str
    generation: int
    worker: str
    state: str
    last_beat: int


class DatabaseSessions(BlockingStore):
    """Sessions, leases and closes as rows; each method is one transaction."""

    def __init__(
        self,
        database: Database,
        windows: Timeouts,
        bounds: LogBounds = BOUNDS,
        *,
        owner: Owner | None = None,
    ) -> None:
        self.log: DatabaseBlockingLog = DatabaseBlockingLog(database, bounds)
        self._database = database
        self._windows = windows
        self._ownership = Ownership(database, owner)
        self._tombstones = Tombstones(database, windows)
        self._ends = RequestedEnds(database)
        self._leases = WorkerLeases(database, windows, self._tombstones)
        self._memberships = Memberships(database)
        self._sweeping = Sweep(database, windows, self._leases, self._memberships, self._tombstones)
        self._arriving = Openings(
            database, windows, self._leases, self._memberships, self._tombstones
        )
        self._registering = Registrations(database, windows, self._memberships, self._tombstones)
        self._looking = Queries(database)
        self._numbers = RegistryStats(database, self._leases)
        self._live = LiveSession.objects.using(database.alias)
        self._registry = Registry.objects.using(database.alias)

    def own(self, *, adopt: bool = False) -> None:
        self._ownership.own(adopt=adopt)

    # ------------------------------------------------------------ opening

    def open(
        self, opening: Opening, *, cap: SessionLimit | None = None
    ) -> Session | Verdict | None:
        return self._arriving.open(opening, cap)

    def resume(self, opening: Opening) -> Session | Verdict | None:
        return self._arriving.resume(opening)

    # ------------------------------------------------------------ beating

    def beat(
        self, worker: WorkerReport, pulses: Sequence[SessionUpdate], *, suspend_lost: bool = True
    ) -> BeatAnswer:
        with self._database.write() as now:
            lost: tuple[LostSession, ...] = ()
            suspended: tuple[Session, ...] = ()
            renewed = False
            if renewal := self._leases.renew(worker, now):
                renewed, stood_still = renewal
                lost = self._report(worker.id, pulses, now)
                if suspend_lost and not stood_still:
                    suspended = self._sweeping.suspend_lost(now, BATCH)[1]
            return BeatAnswer(
                renewed=renewed,
                **self._leases.present(now),
                incarnation=self._registry.get_or_create(id=1)[0].incarnation,
                inbox=self._inbox(worker.id),
                lost=lost,
                suspended=suspended,
                at=now,
            )

    def _report(
        self, worker: str, pulses: Sequence[SessionUpdate], now: int
    ) -> tuple[LostSession, ...]:
        known = self._standings(pulse.session for pulse in pulses)
        lost, found, ahead, rooms_of = [], [], [], {}
        for pulse in pulses:
            row = known.get(pulse.session)
            loss = _loss(row, worker, pulse)
            if row is None or loss is not None:
                lost.append(
                    LostSession(pulse.session, pulse.generation, loss or LossReason.UNKNOWN)
                )
            else:
                found.append((row.id, self._beaten(row, pulse, now)))
                if row.last_beat > now:
                    ahead.append(row.id)
                if pulse.rooms is not None:
                    rooms_of[row.id] = rows.of_rooms(pulse.rooms)
        self._set_right(ahead, now)
        rows.update_rows(self._database.connection, found)
        self._memberships.move(rooms_of)
        return tuple(lost)

    def _set_right(self, sessions: Sequence[str], now: int) -> None:
        """Sessions with times of a clock that has been set back since."""
        if sessions:
            known = rows.lock(self._live, sessions).values()
            changes = [(row.id, rows.times_of(row, now)) for row in known]
            rows.update_rows(self._database.connection, changes)

    def _beaten(self, row: BeatRow, pulse: SessionUpdate, now: int) -> dict[str, Any]:
        # If suspended while its worker stood still, and nobody else took it: up again.
        last_beat = _last_life(row, pulse, now)
        deadline = self._windows.silence(last_beat)
        return {**rows.of_beat(pulse), "last_beat": last_beat, "deadline": deadline}

    def _standings(self, sessions: Iterable[str]) -> dict[str, BeatRow]:
        """Like :func:`rows.lock`, with the few columns that a beat looks at."""
        chosen = self._live.select_for_update().filter(id__in=list(sessions)).order_by("id")
        return {values[0]: BeatRow(*values) for values in chosen.values_list(*BeatRow._fields)}

    def _inbox(self, worker: str) -> tuple[CloseRequest, ...]:
        asked = self._live.filter(worker=worker, close_code__gt=0, state=CONNECTED)
        return tuple(
            CloseRequest(row.id, row.generation, row.close_code, row.close_reason)
            for row in asked.order_by("id")[:BATCH]
        )

    def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> tuple[LostSession, ...]:
        return self._registering.register(worker, registrations)

    # ------------------------------------------------------------ ending

    def suspend(self, worker: str, departures: Sequence[Departure]) -> tuple[Session, ...]:
        with self._database.write() as now:
            until = now + self._windows.resume_ms
            moved = {"state": SUSPENDED, "worker": "", "claimant": worker, "deadline": until}
            return self._end(worker, departures, moved | {"since": now}, now)

    def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> tuple[Session, ...]:
        with self._database.write() as now:
            until = now + self._windows.claim_ms
            moved = {"state": CLOSING, "worker": "", "claimant": claimant, "deadline": until}
            return self._end(worker, departures, moved | {"since": now}, now)

    def _end(
        self, worker: str, departures: Sequence[Departure], moved: dict[str, Any], now: int
    ) -> tuple[Session, ...]:
        """Move the worker's own sessions on; those of a repeated call are found moved."""
        self._give_up([departure.connection for departure in departures], now)
        known = rows.lock(self._live, (departure.pulse.session for departure in departures))
        changes, moves, moved_on, answer = [], [], [], []
        for departure in departures:
            row = known.get(departure.pulse.session)
            if row is None or not _is_meant(row, departure):
                continue
            if row.worker == worker and row.state in ONLINE:
                times = rows.times_of(row, now)
                times["last_beat"] = _last_life(row, departure.pulse, now)
                values = {**rows.of_departure(departure), **moved, **times}
                if departure.connection:
                    values |= {c: getattr(row, c) for c in rows.of_pulse(departure.pulse)}
                values["rooms"] = _last_rooms(row, departure)
                moves.append((row.id, row.rooms, values["rooms"]))
                changes.append((row.id, values))
                for column, value in values.items():
                    setattr(row, column, value)
                moved_on.append(row)
            elif any(getattr(row, column) != moved[column] for column in _MOVED_BY):
                continue
            answer.append(row)
        rows.update_rows(self._database.connection, changes)
        self._memberships.change(moves)
        if moved["state"] == CLOSING:
            self._tombstones.bury_sessions(moved_on, now)
        return rows.to_records(answer)

    def _give_up(self, connections: Iterable[str], now: int) -> None:
        if given_up := [name for name in connections if name]:
            self._database.hold_alone(given_up)
            self._tombstones.bury(given_up, now)

    def confirm(self, sessions: Sequence[str]) -> None:
        with self._database.write():
            closing = rows.lock(self._live.filter(state=CLOSING), sessions)
            self._memberships.remove(row.id for row in closing.values() if row.rooms)
            self._live.filter(id__in=list(closing))._raw_delete(self._database.alias)

    def request_close(
        self, *, session: str = "", user: str = "", login: str = "", code: int, reason: str
    ) -> tuple[str, ...]:
        name, value = exactly_one(session=session, user=user, login=login)
        who = {"id" if name == "session" else name: value}
        with self._database.write() as now:
            self._ends.remember(name, value, code, reason, now)
            states = ONLINE if code >= FINAL else (CONNECTED,)
            asked = self._live.filter(state__in=states, **who)
            ids = tuple(asked.select_for_update().order_by("id").values_list("id", flat=True))
            # Only what is locked: others may match by now, and would be locked in any order.
            # A final code, once asked for, is not softened by a later request.
            self._live.filter(id__in=ids, close_code__lt=FINAL).update(
                close_code=code, close_reason=reason[:LONGEST_REASON]
            )
            return ids

    def leave(self, worker: str) -> tuple[Session, ...]:
        with self._database.write() as now:
            self._database.hold_alone([worker])
            self._tombstones.bury([worker], now)
            self._leases.give_back(worker, now)
            return self._sweeping.suspend_of(worker, now)

    # ------------------------------------------------------------ looking

    def get(self, session: str) -> Session | None:
        return self._looking.get(session)

    def page(self, query: Query, *, limit: int = 100, cursor: str = "") -> Page:
        return self._looking.page(query, limit=limit, cursor=cursor)

    def of_user(self, user: str) -> tuple[Session, ...]:
        return self._looking.of_user(user)

    def attendance(self, room: str) -> Attendance:
        with self._database.read():
            return self._memberships.attendance(room)

    def stats(self) -> Stats:
        return self._numbers.stats()

    def workers(self) -> tuple[WorkerReport, ...]:
        return self._numbers.workers()

    def sample(self) -> None:
        self._numbers.sample()

    def samples(self, *, after: int = 0) -> tuple[StatsSample, ...]:
        return self._numbers.samples(after=after)

    # ------------------------------------------------------------ sweeping

    def sweep(self, claimant: str, *, limit: int = BATCH) -> Swept:
        return self._sweeping.sweep(claimant, limit)

    def overdue(self) -> Overdue:
        return self._sweeping.overdue()

    def note_sweep(self, report: SweepReport) -> None:
        with self._database.write() as now:
            last = {**asdict(report), "at": now}
            self._registry.update_or_create(id=1, defaults={"last_sweep": last})

    def probe(self) -> None:
        self._numbers.probe()


def _loss(row: BeatRow | None, worker: str, pulse: SessionUpdate) -> LossReason | None:
    if row is None:
        return LossReason.UNKNOWN
    if row.generation > pulse.generation:
        return LossReason.TAKEN_OVER
    if row.worker != worker or row.state not in ONLINE:
        return LossReason.UNKNOWN
    return None


def _is_meant(row: LiveSession, departure: Departure) -> bool:
    if departure.connection:
        return row.connection == departure.connection
    return row.generation == departure.pulse.generation


def _last_rooms(row: LiveSession, departure: Departure) -> str:
    """Who was suspended has left them already, which is told only once."""
    if row.state == SUSPENDED:
        return ""
    if departure.connection or departure.pulse.rooms is None:
        return row.rooms
    return rows.of_rooms(departure.pulse.rooms)


def _last_life(row: LiveSession | BeatRow, pulse: SessionUpdate, now: int) -> int:
    """When it last proved to be alive. The wait for its opening to be written does not
    count as silence, so a session never ends before it has begun."""
    return min(now, max(row.last_beat, now - pulse.idle_ms))
