"""Conversions between records and what the scripts take and return."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from realtime.protocol.codes import reason_for

from ..contract import MAX_REASON_LEN
from ..records import (
    CloseRequest,
    Departure,
    Opening,
    Peer,
    Registration,
    Session,
    SessionState,
    SessionUpdate,
    Totals,
)

T = TypeVar("T")


class SessionRow(msgspec.Struct):
    """A session as scripts return it: its hash, without empty fields.

    ``about`` and ``values`` are JSON that no script reads. The latter stays below the 64 bytes up
    to which Redis keeps a hash in its compact form; for the same reason the former has a key of
    its own.
    """

    id: str
    state: SessionState
    generation: int
    opened_at: int
    connected_at: int
    last_beat: int
    visibility: str
    missed: int
    about: str
    values: str
    worker: str = ""
    user: str = ""
    login: str = ""
    address: str = ""
    end_code: int = 0
    end_reason: str = ""
    rooms: str = ""
    turn: int = 0


class VerdictRow(msgspec.Struct):
    """A verdict instead of a session; ``login`` is that of the session to be resumed."""

    code: int
    reason: str
    login: str = ""


class Place(msgspec.Struct, omit_defaults=True):
    """A place in an order where a step ended or begins: a whole id, or the first ``shown``
    characters of one, from a cursor."""

    score: int
    id: str
    shown: int | None = None


class CloseRequestRow(msgspec.Struct):
    """A session of an inbox."""

    id: str
    generation: int
    close_code: int
    close_reason: str = ""

    def to_record(self) -> CloseRequest:
        """As a record."""
        return CloseRequest(self.id, self.generation, self.close_code, self.close_reason)


class _About(msgspec.Struct, array_like=True):
    """The part of a peer that no script reads. Another release may have written it: extra values
    are ignored, and missing ones have these defaults."""

    username: str = ""
    agent: str = ""


class _Values(msgspec.Struct, array_like=True):
    """The last latency and the totals, with the same tolerance."""

    latency_ms: float | None = None
    pings: int = 0
    pongs: int = 0
    invalid_pongs: int = 0
    misses: int = 0
    frames_in: int = 0
    frames_out: int = 0

    def totals(self) -> Totals:
        """As a record."""
        counts = (self.pings, self.pongs, self.invalid_pongs, self.misses)
        return Totals(*counts, self.frames_in, self.frames_out)


_about = msgspec.json.Decoder(_About)
_values = msgspec.json.Decoder(_Values)
_json = msgspec.json.Encoder()
_row: "msgspec.msgpack.Decoder[SessionRow | None]" = msgspec.msgpack.Decoder(
    SessionRow | None, strict=False
)


def answers(shape: type[T]) -> msgspec.msgpack.Decoder[T]:
    """A decoder of a script's answers: numbers may be texts, as Redis keeps them."""
    return msgspec.msgpack.Decoder(shape, strict=False)


def optional_session(answer: bytes) -> Session | None:
    """The session that a script returned, or None."""
    row = _row.decode(answer)
    return to_record(row) if row else None


def json_of(value: Any) -> str:
    """JSON that no script reads."""
    return _json.encode(value).decode()


def to_record(row: SessionRow) -> Session:
    """A row as a record."""
    about, values = _about.decode(row.about), _values.decode(row.values)
    return Session(
        id=row.id,
        state=row.state,
        generation=row.generation,
        worker=row.worker,
        peer=Peer(row.user, about.username, row.login, row.address, about.agent),
        opened_at=row.opened_at,
        connected_at=row.connected_at,
        last_beat=row.last_beat,
        visibility=row.visibility,
        latency_ms=values.latency_ms,
        missed=row.missed,
        totals=values.totals(),
        end_code=row.end_code,
        end_reason=row.end_reason,
        rooms=tuple(row.rooms.split()),
        turn=row.turn,
    )


def to_records(rows: Iterable[SessionRow]) -> tuple[Session, ...]:
    """Rows as records, in their order."""
    return tuple(map(to_record, rows))


def by_id(rows: Iterable[SessionRow]) -> tuple[Session, ...]:
    """Rows as records, sorted by id."""
    return to_records(sorted(rows, key=lambda row: row.id))


def of_opening(opening: Opening) -> dict[str, Any]:
    """A new connection, for ``open.lua`` and ``resume.lua``; ``values`` are a new session's."""
    return {
        "id": opening.session,
        "token_hash": opening.token_hash,
        "connection": opening.connection,
        "worker": opening.worker,
        "visibility": opening.visibility,
        "values": _of_values(None, Totals()),
        "rooms": _of_rooms(opening.rooms),
        "presence": opening.presence,
        "turn": opening.turn,
        "age_ms": opening.age_ms,
        **_of_peer(opening.peer),
    }


def of_updates(updates: Iterable[SessionUpdate]) -> list[Any]:
    """The updates of a beat, flat in one list: half the work for both sides."""
    flat: list[Any] = []
    for update in updates:
        rooms = False if update.rooms is None else _of_rooms(update.rooms)
        values = _of_values(update.latency_ms, update.totals)
        flat += (
            update.session,
            update.generation,
            update.idle_ms,
            update.missed,
            update.visibility,
            values,
            rooms,
            False if update.presence is None else update.presence,
        )
    return flat


def _of_update(update: SessionUpdate) -> dict[str, Any]:
    fields = {
        "id": update.session,
        "generation": update.generation,
        "idle_ms": update.idle_ms,
        "missed": update.missed,
        "visibility": update.visibility,
        "values": _of_values(update.latency_ms, update.totals),
    }
    if update.rooms is not None:
        fields["rooms"] = _of_rooms(update.rooms)
    if update.presence is not None:
        fields["presence"] = update.presence
    return fields


def of_departure(departure: Departure) -> dict[str, Any]:
    """The end of a connection as ``depart.lua`` takes it."""
    return {
        **_of_update(departure.update),
        "connection": departure.connection,
        "code": departure.code,
        "reason": departure.reason[:MAX_REASON_LEN],
    }


def of_registration(registration: Registration, worker: str) -> dict[str, Any]:
    """A session as ``register.lua`` takes it."""
    session = registration.session
    return {
        "id": session.id,
        "generation": session.generation,
        "token_hash": registration.token_hash,
        "connection": registration.connection,
        "worker": worker,
        "opened_at": session.opened_at,
        "connected_at": session.connected_at,
        "idle_ms": registration.idle_ms,
        "missed": session.missed,
        "visibility": session.visibility,
        "values": _of_values(session.latency_ms, session.totals),
        "rooms": _of_rooms(session.rooms),
        "presence": registration.presence,
        "turn": session.turn or "",
        **_of_peer(session.peer),
    }


def of_request(code: int, reason: str) -> dict[str, Any]:
    """A request to close; ``words`` become the reason of a session that has no connection."""
    reason = reason[:MAX_REASON_LEN]
    return {"code": code, "reason": reason, "words": reason or reason_for(code)}


def _of_peer(peer: Peer) -> dict[str, str]:
    about = json_of((peer.username, peer.agent))
    return {"user": peer.user, "login": peer.login, "address": peer.address, "about": about}


def _of_rooms(rooms: Iterable[str]) -> str:
    return " ".join(rooms)


def _of_values(latency_ms: float | None, totals: Totals) -> str:
    t = totals
    return json_of(
        (latency_ms, t.pings, t.pongs, t.invalid_pongs, t.misses, t.frames_in, t.frames_out)
    )
