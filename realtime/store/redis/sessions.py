"""Sessions, leases and closes on Redis, as script steps."""

import secrets
from collections.abc import Sequence

import msgspec
from msgspec.structs import asdict

from realtime.protocol.codes import CloseCode, reason_for
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
from .ownership import OwnedOperations
from .rows import CloseRequestRow, Place, SessionRow, answers
from .scripts import ScriptSteps


class _Admitted(msgspec.Struct):
    """The answer of ``open.lua``, ``resume.lua`` and ``change_login.lua``: one of the two."""

    session: SessionRow | None = None
    verdict: rows.VerdictRow | None = None


class _BeatAnswer(msgspec.Struct):
    """The answer of ``beat.lua``."""

    renewed: bool
    online: int
    workers: int
    incarnation: str
    inbox: list[CloseRequestRow]
    lost: list[tuple[int, LossReason]]
    suspended: list[SessionRow]
    at: int


class _CloseStep(msgspec.Struct):
    """The answer of ``request_close.lua``."""

    ids: list[str]
    place: Place | None = None


class _LeaveStep(msgspec.Struct):
    """The answer of ``leave.lua``."""

    sessions: list[SessionRow]
    more: bool


_admitted: "msgspec.msgpack.Decoder[_Admitted | None]" = answers(_Admitted | None)  # type: ignore[arg-type]
_sessions = answers(list[SessionRow])
_positions = answers(list[int])
_beat = answers(_BeatAnswer)
_close_step = answers(_CloseStep)
_leave_step = answers(_LeaveStep)


class SessionOperations(OwnedOperations):
    """Methods of the contract; each is one call unless its docstring says otherwise."""

    def open(
        self, opening: Opening, *, limit: SessionLimit | None = None
    ) -> ScriptSteps[Session | Verdict | None]:
        applied = _of_limit(limit) if limit and opening.peer.user else None
        answer = yield self._calls("open", opening=rows.of_opening(opening), limit=applied)
        return _admission(opening, answer)

    def resume(self, opening: Opening) -> ScriptSteps[Session | Verdict | None]:
        answer = yield self._calls(
            "resume",
            opening=rows.of_opening(opening),
            last_turn=MAX_INTEGER,
            taken_over=CloseCode.TAKEN_OVER.value,
        )
        return _admission(opening, answer)

    def change_login(
        self, session: str, connection: str, login: str
    ) -> ScriptSteps[Session | Verdict | None]:
        answer = yield self._calls(
            "change_login", session=session, connection=connection, login=login
        )
        admitted = _admitted.decode(answer)
        if admitted and (row := admitted.verdict):
            return Verdict(row.code, row.reason or reason_for(row.code))
        return rows.to_record(admitted.session) if admitted and admitted.session else None

    def beat(
        self, report: WorkerReport, updates: Sequence[SessionUpdate], *, suspend_lost: bool = True
    ) -> ScriptSteps[BeatAnswer]:
        answer = yield self._calls(
            "beat",
            worker=_of_report(report),
            updates=rows.of_updates(updates),
            suspend_lost=suspend_lost,
            token=secrets.token_hex(8),
        )
        beat = _beat.decode(answer)
        return BeatAnswer(
            renewed=beat.renewed,
            online=beat.online,
            workers=beat.workers,
            incarnation=beat.incarnation,
            inbox=tuple(row.to_record() for row in sorted(beat.inbox, key=lambda row: row.id)),
            lost=tuple(
                LostSession(updates[position - 1].session, updates[position - 1].generation, reason)
                for position, reason in beat.lost
            ),
            suspended=rows.by_id(beat.suspended),
            at=beat.at,
        )

    def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> ScriptSteps[tuple[LostSession, ...]]:
        answer = yield self._calls(
            "register",
            worker=worker,
            registrations=[rows.of_registration(each, worker) for each in registrations],
        )
        ahead = [registrations[position - 1].session for position in _positions.decode(answer)]
        return tuple(
            LostSession(session.id, session.generation, LossReason.TAKEN_OVER) for session in ahead
        )

    def suspend(
        self, worker: str, departures: Sequence[Departure]
    ) -> ScriptSteps[tuple[Session, ...]]:
        return self._depart(worker, departures, state="suspended", claimant=worker)

    def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> ScriptSteps[tuple[Session, ...]]:
        return self._depart(worker, departures, state="closing", claimant=claimant)

    def _depart(
        self, worker: str, departures: Sequence[Departure], *, state: str, claimant: str
    ) -> ScriptSteps[tuple[Session, ...]]:
        answer = yield self._calls(
            "depart",
            worker=worker,
            state=state,
            claimant=claimant,
            departures=[rows.of_departure(departure) for departure in departures],
        )
        return rows.to_records(_sessions.decode(answer))

    def confirm(self, sessions: Sequence[str]) -> ScriptSteps[None]:
        yield self._calls("confirm", sessions=list(sessions))

    def request_close(
        self, *, session: str = "", user: str = "", login: str = "", code: int, reason: str
    ) -> ScriptSteps[tuple[str, ...]]:
        """One call, and another for each further BATCH of a user's or login's sessions."""
        name, value = exactly_one(session=session, user=user, login=login)
        who = {"session": value} if name == "session" else {"name": name, "value": value}
        request = rows.of_request(code, reason)
        ids: list[str] = []
        place = None
        while True:
            answer = yield self._calls("request_close", **who, request=request, place=place)
            step = _close_step.decode(answer)
            ids += step.ids
            place = step.place
            if place is None:
                return tuple(sorted(ids))

    def leave(self, worker: str) -> ScriptSteps[tuple[Session, ...]]:
        """One call, and others for each further BATCH of sessions."""
        found: list[SessionRow] = []
        while True:
            after = found[-1].id if found else ""
            step = _leave_step.decode((yield self._calls("leave", worker=worker, after=after)))
            found += step.sessions
            if not step.more:
                return rows.by_id(found)


def _admission(opening: Opening, answer: bytes) -> Session | Verdict | None:
    admitted = _admitted.decode(answer)
    if admitted is None:
        return None
    if row := admitted.verdict:
        return verdict_for(opening, row.code, row.reason, login=row.login)
    return rows.to_record(admitted.session) if admitted.session else None


def _of_limit(limit: SessionLimit) -> dict[str, object]:
    code = CloseCode.TOO_MANY_SESSIONS
    return {**asdict(limit), **rows.of_request(code.value, code.reason)}


def _of_report(report: WorkerReport) -> dict[str, object]:
    return {
        "id": report.id,
        "report": rows.json_of(report),
        "connections": report.connections,
        "counts": {
            "pings": report.pings,
            "pongs": report.pongs,
            "timeouts": report.timeouts,
            **asdict(report.deliveries),
        },
    }
