"""Conversions between rows and records, and updates of many rows."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from msgspec.structs import asdict

from realtime.models import LiveSession

from ..contract import MAX_REASON_LEN
from ..records import (
    Departure,
    Opening,
    Peer,
    Registration,
    Session,
    SessionState,
    SessionUpdate,
    Totals,
)

CONNECTED = SessionState.CONNECTED.value
SUSPENDED = SessionState.SUSPENDED.value
CLOSING = SessionState.CLOSING.value
ONLINE = (CONNECTED, SUSPENDED)

TOTALS = tuple(Totals.__struct_fields__)


def to_record(row: LiveSession) -> Session:
    """A row as a record."""
    return Session(
        id=row.id,
        state=SessionState(row.state),
        generation=row.generation,
        worker=row.worker,
        peer=Peer(row.user, row.username, row.login, row.address, row.agent),
        opened_at=row.opened_at,
        connected_at=row.connected_at,
        last_beat=row.last_beat,
        visibility=row.visibility,
        latency_ms=row.latency_ms,
        missed=row.missed,
        totals=Totals(**{name: getattr(row, name) for name in TOTALS}),
        end_code=row.end_code,
        end_reason=row.end_reason,
        rooms=tuple(row.rooms.split()),
        turn=row.turn,
    )


def to_records(rows: Iterable[LiveSession]) -> tuple[Session, ...]:
    """Rows as records, in their order."""
    return tuple(map(to_record, rows))


def of_opening(opening: Opening, now: int) -> dict[str, Any]:
    """The columns that a new connection sets."""
    return {
        "state": CONNECTED,
        "connection": opening.connection,
        "worker": opening.worker,
        **asdict(opening.peer),
        "visibility": opening.visibility,
        "connected_at": now,
        "last_beat": now,
        "missed": 0,
        "end_code": 0,
        "end_reason": "",
        "rooms": of_rooms(opening.rooms),
    }


def times_of(row: LiveSession, now: int) -> dict[str, int]:
    """The columns of its times. Those in the future, by a wrong clock, go back by as much as the
    last of them does, so that the spans between them stay."""
    ahead = row.last_beat - now
    times = {name: getattr(row, name) for name in ("opened_at", "connected_at", "last_beat")}
    return {name: at - ahead if at > now else at for name, at in times.items()}


def of_rooms(rooms: Iterable[str]) -> str:
    """The column of a session's rooms."""
    return " ".join(rooms)


def of_update(update: SessionUpdate) -> dict[str, Any]:
    """The columns that a beat reports, without the rooms."""
    return {
        "latency_ms": update.latency_ms,
        "missed": update.missed,
        "visibility": update.visibility,
        **asdict(update.totals),
    }


def of_beat(update: SessionUpdate) -> dict[str, Any]:
    """The columns that a beat sets: the session is connected, also if it was suspended."""
    return {**of_update(update), "state": CONNECTED, "end_code": 0, "end_reason": ""}


def update_of(registration: Registration) -> SessionUpdate:
    """The update that a beat would report for this session."""
    s = registration.session
    return SessionUpdate(
        s.id, s.generation, s.latency_ms, s.missed, s.visibility, s.totals, registration.idle_ms
    )


def of_registration(registration: Registration, worker: str) -> dict[str, Any]:
    """All columns but ``last_beat`` and ``deadline``."""
    session = registration.session
    return {
        "token_hash": registration.token_hash,
        "connection": registration.connection,
        "generation": session.generation,
        "worker": worker,
        "claimant": "",
        **asdict(session.peer),
        "opened_at": session.opened_at,
        "connected_at": session.connected_at,
        "rooms": of_rooms(session.rooms),
        "turn": session.turn,
        **of_beat(update_of(registration)),
    }


def of_departure(departure: Departure) -> dict[str, Any]:
    """The columns that the end of a connection sets."""
    return {
        **of_update(departure.update),
        "end_code": departure.code,
        "end_reason": departure.reason[:MAX_REASON_LEN],
    }


def latest_beat(known: int, update: SessionUpdate, now: int) -> int:
    """When the session last proved to be alive, at the earliest ``known``: a wait for its opening
    to be written is no silence, and a session never ends before it began."""
    return min(now, max(known, now - update.idle_ms))


def assign(row: LiveSession, columns: dict[str, Any]) -> None:
    """Set the columns of this object; not in the database."""
    for column, value in columns.items():
        setattr(row, column, value)


def lock(live: QuerySet[LiveSession], sessions: Iterable[str]) -> dict[str, LiveSession]:
    """Rows by id. All transactions lock them in this order, so none deadlocks."""
    chosen = live.select_for_update().filter(id__in=list(sessions)).order_by("id")
    return {row.id: row for row in chosen}


def update_rows(
    connection: BaseDatabaseWrapper, rows: Sequence[tuple[str, dict[str, Any]]]
) -> None:
    """Set columns of many rows by id, each with its own values; the same columns in all.

    Runs one prepared statement many times; ``bulk_update`` would write one CASE expression per
    column with a branch for every row.
    """
    if not rows:
        return
    quote = connection.ops.quote_name
    columns = list(rows[0][1])
    assignments = ", ".join(f"{quote(column)} = %s" for column in columns)
    table = quote(LiveSession._meta.db_table)
    sql = f"UPDATE {table} SET {assignments} WHERE {quote('id')} = %s"  # noqa: S608  # own names
    with connection.cursor() as cursor:
        cursor.executemany(sql, [[*(v[c] for c in columns), id_] for id_, v in rows])
