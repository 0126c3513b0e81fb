"""The store contract on Redis, for a thread that waits."""

from collections.abc import Sequence
from typing import TypeVar

import redis

from ..contract import BATCH, BlockingStore, StoreUnavailable
from ..records import (
    Attendance,
    BeatAnswer,
    Departure,
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
from .client import is_demoted, translate_errors
from .log import RedisBlockingLog
from .operations import Operations
from .scripts import SCRIPTS, Operation, ScriptCall

T = TypeVar("T")


class RedisSessions(BlockingStore):
    """Each method is a talk. May be shared by threads and used after a fork.

    All keys begin with ``{prefix}:``.
    """

    def __init__(self, client: "redis.Redis", talks: Operations, *, prefix: str) -> None:
        self._client = client
        self.talks = talks
        self._prefix = prefix
        self._scripts = {name: client.register_script(text) for name, text in SCRIPTS.items()}
        self.log = RedisBlockingLog(self._run, talks.log)

    def own(self, *, adopt: bool = False) -> None:
        self._carry_on(self.talks.ownership.own(adopt=adopt))

    def open(
        self, opening: Opening, *, cap: SessionLimit | None = None
    ) -> Session | Verdict | None:
        return self._run(self.talks.sessions.open(opening, cap=cap))

    def resume(self, opening: Opening) -> Session | Verdict | None:
        return self._run(self.talks.sessions.resume(opening))

    def beat(
        self, worker: WorkerReport, pulses: Sequence[SessionUpdate], *, suspend_lost: bool = True
    ) -> BeatAnswer:
        return self._run(self.talks.sessions.beat(worker, pulses, suspend_lost=suspend_lost))

    def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> tuple[LostSession, ...]:
        return self._run(self.talks.sessions.register(worker, registrations))

    def suspend(self, worker: str, departures: Sequence[Departure]) -> tuple[Session, ...]:
        return self._run(self.talks.sessions.suspend(worker, departures))

    def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> tuple[Session, ...]:
        return self._run(self.talks.sessions.close(worker, departures, claimant))

    def confirm(self, sessions: Sequence[str]) -> None:
        self._run(self.talks.sessions.confirm(sessions))

    def request_close(
        self, *, session: str = "", user: str = "", login: str = "", code: int, reason: str
    ) -> tuple[str, ...]:
        who = {"session": session, "user": user, "login": login}
        return self._run(self.talks.sessions.request_close(**who, code=code, reason=reason))

    def leave(self, worker: str) -> tuple[Session, ...]:
        return self._run(self.talks.sessions.leave(worker))

    def get(self, session: str) -> Session | None:
        return self._run(self.talks.looking.get(session))

    def page(self, query: Query, *, limit: int = 100, cursor: str = "") -> Page:
        return self._run(self.talks.looking.page(query, limit=limit, cursor=cursor))

    def of_user(self, user: str) -> tuple[Session, ...]:
        return self._run(self.talks.looking.of_user(user))

    def attendance(self, room: str) -> Attendance:
        return self._run(self.talks.looking.attendance(room))

    def stats(self) -> Stats:
        return self._run(self.talks.numbers.stats())

    def workers(self) -> tuple[WorkerReport, ...]:
        return self._run(self.talks.numbers.workers())

    def sample(self) -> None:
        self._run(self.talks.numbers.sample())

    def samples(self, *, after: int = 0) -> tuple[StatsSample, ...]:
        return self._run(self.talks.numbers.samples(after=after))

    def sweep(self, claimant: str, *, limit: int = BATCH) -> Swept:
        return self._run(self.talks.sweeping.sweep(claimant, limit=limit))

    def overdue(self) -> Overdue:
        return self._run(self.talks.sweeping.overdue())

    def note_sweep(self, report: SweepReport) -> None:
        self._run(self.talks.sweeping.note_sweep(report))

    def probe(self) -> None:
        self._run(self.talks.numbers.probe())

    def _run(self, talk: Operation[T]) -> T:
        return self._carry_on(self.talks.ownership.first(talk))

    def _carry_on(self, talk: Operation[T]) -> T:
        """Carry a talk on to its end. Raises StoreUnavailable."""
        with translate_errors():
            try:
                call = next(talk)
                while True:
                    call = talk.send(self._ask(call))
            except StopIteration as end:
                result: T = end.value
                return result

    def _ask(self, call: ScriptCall) -> bytes:
        try:
            script, keys = self._scripts[call.script], call.keys(self._prefix)
            answer: bytes = script(keys=keys, args=[call.payload])
        except redis.ResponseError as error:
            if is_demoted(error):
                self._client.connection_pool.disconnect(inuse_connections=False)
            raise
        except ValueError as error:  # what redis-py says of bytes that are no words of Redis'
            raise StoreUnavailable(str(error)) from error
        return answer
