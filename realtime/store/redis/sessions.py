"""Sessions, leases and closes as talks with Redis: what to call, and what an answer means."""

import secrets
from collections.abc import Sequence

import msgspec
from msgspec.structs import asdict

from realtime.protocol.codes import CloseCode
from realtime.protocol.json_limits import MAX_INTEGER

from ..contract import exactly_one
from ..records import (
    BeatAnswer,
    Departure,
    LossReason,
    LostSession,
    Opening,
    Registration,
    Session,
    SessionLimit,
    SessionUpdate,
    Verdict,
    WorkerReport,
)
from ..verdicts import verdict_for
from . import rows
from .rows import CloseRequestRow, LoginPlace, SessionRow, answers
from .scripts import Operation, ScriptCalls


class _Arrived(msgspec.Struct):
    """The answer of ``open.lua`` and ``resume.lua``: one of the two."""

    session: SessionRow | None = None
    verdict: rows.VerdictRow | None = None


class _Beaten(msgspec.Struct):
    """The answer of ``beat.lua``."""

    renewed: bool
    online: int
    workers: int
    incarnation: str
    inbox: list[CloseRequestRow]
    lost: list[tuple[int, LossReason]]
    suspended: list[SessionRow]
    at: int


class _Asked(msgspec.Struct):
    """The answer of ``request_close.lua``."""

    ids: list[str]
    place: LoginPlace | None = None


class _Left(msgspec.Struct):
    """The answer of ``leave.lua``."""

    sessions: list[SessionRow]
    more: bool


_arrived: "msgspec.msgpack.Decoder[_Arrived | None]" = answers(_Arrived | None)  # type: ignore[arg-type]
_sessions = answers(list[SessionRow])
_positions = answers(list[int])
_beaten = answers(_Beaten)
_asked = answers(_Asked)
_left = answers(_Left)


class SessionOperations:
    """See the contract for what each method does."""

    def __init__(self, calls: ScriptCalls) -> None:
        self._calls = calls

    def open(
        self, opening: Opening, *, cap: SessionLimit | None
    ) -> Operation[Session | Verdict | None]:
        """One call."""
        limits = _limits(cap) if cap and opening.peer.user else None
        answer = yield self._calls("open", opening=rows.of_opening(opening), cap=limits)
        return _arrival(opening, answer)

    def resume(self, opening: Opening) -> Operation[Session | Verdict | None]:
        """One call."""
        answer = yield self._calls(
            "resume",
            opening=rows.of_opening(opening),
            last_turn=MAX_INTEGER,
            taken_over=CloseCode.TAKEN_OVER.value,
        )
        return _arrival(opening, answer)

    def beat(
        self, worker: WorkerReport, pulses: Sequence[SessionUpdate], *, suspend_lost: bool
    ) -> Operation[BeatAnswer]:
        """One call."""
        answer = yield self._calls(
            "beat",
            worker=_of_report(worker),
            pulses=rows.of_pulses(pulses),
            suspend_lost=suspend_lost,
            token=secrets.token_hex(8),
        )
        beaten = _beaten.decode(answer)
        return BeatAnswer(
            renewed=beaten.renewed,
            online=beaten.online,
            workers=beaten.workers,
            incarnation=beaten.incarnation,
            inbox=tuple(asked.to_record() for asked in sorted(beaten.inbox, key=lambda a: a.id)),
            lost=tuple(
                LostSession(pulses[position - 1].session, pulses[position - 1].generation, loss)
                for position, loss in beaten.lost
            ),
            suspended=rows.by_id(beaten.suspended),
            at=beaten.at,
        )

    def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> Operation[tuple[LostSession, ...]]:
        """One call."""
        answer = yield self._calls(
            "register",
            worker=worker,
            registrations=[rows.of_registration(given, worker) for given in registrations],
        )
        ahead = [registrations[position - 1].session for position in _positions.decode(answer)]
        return tuple(
            LostSession(session.id, session.generation, LossReason.TAKEN_OVER) for session in ahead
        )

    def suspend(
        self, worker: str, departures: Sequence[Departure]
    ) -> Operation[tuple[Session, ...]]:
        """One call."""
        return self._depart(worker, departures, state="suspended", claimant=worker)

    def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> Operation[tuple[Session, ...]]:
        """One call."""
        return self._depart(worker, departures, state="closing", claimant=claimant)

    def _depart(
        self, worker: str, departures: Sequence[Departure], *, state: str, claimant: str
    ) -> Operation[tuple[Session, ...]]:
        answer = yield self._calls(
            "depart",
            worker=worker,
            state=state,
            claimant=claimant,
            departures=[rows.of_departure(departure) for departure in departures],
        )
        return rows.to_records(_sessions.decode(answer))

    def confirm(self, sessions: Sequence[str]) -> Operation[None]:
        """One call."""
        yield self._calls("confirm", sessions=list(sessions))

    def request_close(
        self, *, session: str, user: str, login: str, code: int, reason: str
    ) -> Operation[tuple[str, ...]]:
        """One call, and another for each further BATCH of a user's or login's sessions."""
        name, value = exactly_one(session=session, user=user, login=login)
        who = {"session": value} if name == "session" else {"name": name, "value": value}
        request = rows.of_request(code, reason)
        ids: list[str] = []
        place = None
        while True:
            answer = yield self._calls("request_close", **who, request=request, place=place)
            asked = _asked.decode(answer)
            ids += asked.ids
            place = asked.place
            if place is None:
                return tuple(sorted(ids))

    def leave(self, worker: str) -> Operation[tuple[Session, ...]]:
        """One call, and others for each further BATCH of sessions."""
        found: list[SessionRow] = []
        while True:
            after = found[-1].id if found else ""
            left = _left.decode((yield self._calls("leave", worker=worker, after=after)))
            found += left.sessions
            if not left.more:
                return rows.by_id(found)


def _arrival(opening: Opening, answer: bytes) -> Session | Verdict | None:
    arrived = _arrived.decode(answer)
    if arrived is None:
        return None
    if told := arrived.verdict:
        return verdict_for(opening, told.code, told.reason, login=told.login)
    return rows.to_record(arrived.session) if arrived.session else None


def _limits(cap: SessionLimit) -> dict[str, object]:
    code = CloseCode.TOO_MANY_SESSIONS
    return {**asdict(cap), **rows.of_request(code.value, code.reason)}


def _of_report(worker: WorkerReport) -> dict[str, object]:
    return {
        "id": worker.id,
        "report": rows.json_of(worker),
        "connections": worker.connections,
        "counts": {
            "pings": worker.pings,
            "pongs": worker.pongs,
            "timeouts": worker.timeouts,
            **asdict(worker.deliveries),
        },
    }
