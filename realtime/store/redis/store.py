"""The store contract on Redis, for an event loop."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

import redis
import redis.asyncio

from realtime.common.threads import CLOSE_PATIENCE

from ..contract import BATCH, AtCapacity, Store, StoreUnavailable
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
from .blocking import RedisSessions
from .client import CONNECTIONS, is_demoted, translate_errors
from .log import RedisLog
from .operations import Operations
from .scripts import SCRIPTS, Operation, ScriptCall

T = TypeVar("T")

MAX_WAITING = 20_000  # calls at a Redis that hangs; beyond it they are refused


class RedisStore(Store):
    """Each method is a talk. A call takes at most ``timeout`` seconds, then raises
    StoreUnavailable; what it asked for may have happened.

    The client's pool never has to wait, because a semaphore lets no more calls in than it
    has connections: a pool that waits can lose a connection for good when a call is
    cancelled twice. A connection whose call was cancelled is closed.
    """

    def __init__(
        self,
        client: "redis.asyncio.Redis",
        talks: Operations,
        *,
        blocking: RedisSessions,
        prefix: str,
        timeout: float,
    ) -> None:
        self.blocking: RedisSessions = blocking
        self._client = client
        self._talks = talks
        self._prefix = prefix
        self._timeout = timeout
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._running = 0
        self._scripts = {name: client.register_script(text) for name, text in SCRIPTS.items()}
        self.log = RedisLog(self._run, talks.log)

    async def own(self, *, adopt: bool = False) -> None:
        await self._in_time(self._talks.ownership.own(adopt=adopt))

    async def open(
        self, opening: Opening, *, cap: SessionLimit | None = None
    ) -> Session | Verdict | None:
        return await self._run(self._talks.sessions.open(opening, cap=cap))

    async def resume(self, opening: Opening) -> Session | Verdict | None:
        return await self._run(self._talks.sessions.resume(opening))

    async def beat(
        self, worker: WorkerReport, pulses: Sequence[SessionUpdate], *, suspend_lost: bool = True
    ) -> BeatAnswer:
        return await self._run(self._talks.sessions.beat(worker, pulses, suspend_lost=suspend_lost))

    async def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> tuple[LostSession, ...]:
        return await self._run(self._talks.sessions.register(worker, registrations))

    async def suspend(self, worker: str, departures: Sequence[Departure]) -> tuple[Session, ...]:
        return await self._run(self._talks.sessions.suspend(worker, departures))

    async def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> tuple[Session, ...]:
        return await self._run(self._talks.sessions.close(worker, departures, claimant))

    async def confirm(self, sessions: Sequence[str]) -> None:
        await self._run(self._talks.sessions.confirm(sessions))

    async def request_close(
        self, *, session: str = "", user: str = "", login: str = "", code: int, reason: str
    ) -> tuple[str, ...]:
        who = {"session": session, "user": user, "login": login}
        return await self._run(self._talks.sessions.request_close(**who, code=code, reason=reason))

    async def leave(self, worker: str) -> tuple[Session, ...]:
        return await self._run(self._talks.sessions.leave(worker))

    async def get(self, session: str) -> Session | None:
        return await self._run(self._talks.looking.get(session))

    async def page(self, query: Query, *, limit: int = 100, cursor: str = "") -> Page:
        return await self._run(self._talks.looking.page(query, limit=limit, cursor=cursor))

    async def of_user(self, user: str) -> tuple[Session, ...]:
        return await self._run(self._talks.looking.of_user(user))

    async def attendance(self, room: str) -> Attendance:
        return await self._run(self._talks.looking.attendance(room))

    async def stats(self) -> Stats:
        return await self._run(self._talks.numbers.stats())

    async def workers(self) -> tuple[WorkerReport, ...]:
        return await self._run(self._talks.numbers.workers())

    async def sample(self) -> None:
        await self._run(self._talks.numbers.sample())

    async def samples(self, *, after: int = 0) -> tuple[StatsSample, ...]:
        return await self._run(self._talks.numbers.samples(after=after))

    async def sweep(self, claimant: str, *, limit: int = BATCH) -> Swept:
        return await self._run(self._talks.sweeping.sweep(claimant, limit=limit))

    async def overdue(self) -> Overdue:
        return await self._run(self._talks.sweeping.overdue())

    async def note_sweep(self, report: SweepReport) -> None:
        await self._run(self._talks.sweeping.note_sweep(report))

    async def probe(self) -> None:
        await self._run(self._talks.numbers.probe())

    async def aclose(self) -> None:
        with suppress(TimeoutError):  # TLS says goodbye, and waits for one
            async with asyncio.timeout(CLOSE_PATIENCE):
                await self._client.aclose()

    # ------------------------------------------------------------ running

    async def _run(self, talk: Operation[T]) -> T:
        return await self._in_time(self._talks.ownership.first(talk))

    async def _in_time(self, talk: Operation[T]) -> T:
        if self._running >= MAX_WAITING:
            raise AtCapacity("too many calls are waiting for Redis")
        self._running += 1
        try:
            async with asyncio.timeout(self._timeout):
                return await self._carry_on(talk)
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {self._timeout:g} s") from None
        finally:
            self._running -= 1

    async def _carry_on(self, talk: Operation[T]) -> T:
        """Carry a talk on to its end."""
        async with self._free:
            with translate_errors():
                try:
                    call = next(talk)
                    while True:
                        call = talk.send(await self._ask(call))
                except StopIteration as end:
                    result: T = end.value
                    return result

    async def _ask(self, call: ScriptCall) -> bytes:
        try:
            script, keys = self._scripts[call.script], call.keys(self._prefix)
            answer: bytes = await script(keys=keys, args=[call.payload])
        except redis.ResponseError as error:
            if is_demoted(error):
                await self._client.connection_pool.disconnect(inuse_connections=False)
            raise
        except ValueError as error:  # what redis-py says of bytes that are no words of Redis'
            raise StoreUnavailable(str(error)) from error
        return answer
