"""Between what the scripts take and give, and records."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from realtime.protocol.codes import reason_for

from ..contract import LONGEST_REASON
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
    """A session as scripts answer it: its hash, where what is empty is missing.

    ``about`` and ``values`` are JSON that no script looks into. The latter stays below the
    64 bytes up to which Redis keeps a hash in its compact form, and the former has a key
    of its own for the same reason.
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
    """What a client is told instead of a session; ``login`` is that of the session that it was
    about to resume."""

    code: int
    reason: str
    login: str = ""


class LoginPlace(msgspec.Struct, omit_defaults=True):
    """Where in an order a step ended, or begins: at a whole id, or at the ``shown`` head
    of one that came from a cursor."""

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
        """As the contract speaks of it."""
        return CloseRequest(self.id, self.generation, self.close_code, self.close_reason)


class _About(msgspec.Struct, array_like=True):
    """What no script looks into of a peer. A release before or after may have written it:
    more values are ignored, and missing ones are these."""

    username: str = ""
    agent: str = ""


class _Values(msgspec.Struct, array_like=True):
    """The last latency and the totals, in the same way."""

    latency_ms: float | None = None
    pings: int = 0
    pongs: int = 0
    invalid_pongs: int = 0
    misses: int = 0
    frames_in: int = 0
    frames_out: int = 0

    def totals(self) -> Totals:
        """As the contract speaks of them."""
        counts = (self.pings, self.pongs, self.invalid_pongs, self.misses)
        return Totals(*counts, self.frames_in, self.frames_out)


_about = msgspec.json.Decoder(_About)
_values = msgspec.json.Decoder(_Values)
_json = msgspec.json.Encoder()
_row: "msgspec.msgpack.Decoder[SessionRow | None]" = msgspec.msgpack.Decoder(
    SessionRow | None, strict=False
)


def answers(shape: type[T]) -> msgspec.msgpack.Decoder[T]:
    """Reads a script's answer: numbers may be texts, as Redis keeps them."""
    return msgspec.msgpack.Decoder(shape, strict=False)


def optional_session(answer: bytes) -> Session | None:
    """The session that a script answers, or None."""
    row = _row.decode(answer)
    return to_record(row) if row else None


def json_of(value: Any) -> str:
    """A text that no script looks into."""
    return _json.encode(value).decode()


def to_record(row: SessionRow) -> Session:
    """A row as the record that the contract speaks of."""
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
    """What a new connection brings; ``values`` are those of a new session."""
    return {
        "id": opening.session,
        "token_hash": opening.token_hash,
        "connection": opening.connection,
        "worker": opening.worker,
        "visibility": opening.visibility,
        "values": _of_values(None, Totals()),
        "rooms": _of_rooms(opening.rooms),
        "turn": opening.turn,
        "age_ms": opening.age_ms,
        **_of_peer(opening.peer),
    }


def of_pulses(pulses: Iterable[SessionUpdate]) -> list[Any]:
    """What a beat reports, one after the other in one list: half the work for both sides."""
    told: list[Any] = []
    for pulse in pulses:
        rooms = False if pulse.rooms is None else _of_rooms(pulse.rooms)
        values = _of_values(pulse.latency_ms, pulse.totals)
        told += (
            pulse.session,
            pulse.generation,
            pulse.idle_ms,
            pulse.missed,
            pulse.visibility,
            values,
            rooms,
        )
    return told


def _of_pulse(pulse: SessionUpdate) -> dict[str, Any]:
    told = {
        "id": pulse.session,
        "generation": pulse.generation,
        "idle_ms": pulse.idle_ms,
        "missed": pulse.missed,
        "visibility": pulse.visibility,
        "values": _of_values(pulse.latency_ms, pulse.totals),
    }
    if pulse.rooms is not None:
        told["rooms"] = _of_rooms(pulse.rooms)
    return told


def of_departure(departure: Departure) -> dict[str, Any]:
    """What the end of a connection brings."""
    return {
        **_of_pulse(departure.pulse),
        "connection": departure.connection,
        "code": departure.code,
        "reason": departure.reason[:LONGEST_REASON],
    }


def of_registration(registration: Registration, worker: str) -> dict[str, Any]:
    """A session as its worker knows it."""
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
        "turn": session.turn or "",
        **_of_peer(session.peer),
    }


def of_request(code: int, reason: str) -> dict[str, Any]:
    """A wish to end; ``words`` are how a session ends that nobody is connected to."""
    reason = reason[:LONGEST_REASON]
    return {"code": code, "reason": reason, "words": reason or reason_for(code)}


def _of_peer(peer: Peer) -> dict[str, str]:
    about = json_of((peer.username, peer.agent))
    return {
        "user": peer.user,
        "login": peer.login,
        "address": peer.address,
        "about": about,
    }


def _of_rooms(rooms: Iterable[str]) -> str:
    return " ".join(rooms)


def _of_values(latency_ms: float | None, totals: Totals) -> str:
    t = totals
    return json_of(
        (latency_ms, t.pings, t.pongs, t.invalid_pongs, t.misses, t.frames_in, t.frames_out)
    )
