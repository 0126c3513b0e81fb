"""The database store for an event loop: one writer that commits in groups."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from realtime.common.threads import CLOSE_PATIENCE, Overloaded, Threads

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
from .blocking import DatabaseSessions
from .log import DatabaseLog
from .transaction import Database, Deadlock

T = TypeVar("T")

MAX_WAITING = 20_000  # writes behind a database that hangs; beyond it they are refused


@dataclass(frozen=True, slots=True)
class _Write:
    """A write that waits for the next transaction, and whether it needs one for itself."""

    call: Callable[[], Any]
    alone: bool
    answer: "asyncio.Future[Any]"


class DatabaseStore(Store):
    """:class:`DatabaseSessions` off the event loop.

    Writes wait in one queue; a single writer takes whatever is there, at most
    BATCH, into one transaction, so a storm of connects costs a few commits and
    SQLite never sees two writers of this process. Reads leave it a thread, so slow ones
    hold up no beat. A call takes at most ``timeout`` seconds, then raises
    StoreUnavailable; what it asked for may still happen.
    """

    def __init__(
        self, database: Database, blocking: DatabaseSessions, threads: Threads, *, timeout: float
    ) -> None:
        self.blocking: DatabaseSessions = blocking
        self.log: DatabaseLog = DatabaseLog(
            blocking.log, database, self._read, self._write, self._in_time
        )
        self._database = database
        self._threads = threads
        self._timeout = timeout
        self._reading = asyncio.Semaphore(max(threads.size - 1, 1))
        self._writes: deque[_Write] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def own(self, *, adopt: bool = False) -> None:
        await self._write(lambda: self.blocking.own(adopt=adopt), alone=True)

    async def open(
        self, opening: Opening, *, cap: SessionLimit | None = None
    ) -> Session | Verdict | None:
        # It may wait for a row, so it must hold none that others wait for.
        alone = cap is not None and self._database.is_shared
        return await self._write(lambda: self.blocking.open(opening, cap=cap), alone=alone)

    async def resume(self, opening: Opening) -> Session | Verdict | None:
        return await self._write(lambda: self.blocking.resume(opening))

    async def beat(
        self, worker: WorkerReport, pulses: Sequence[SessionUpdate], *, suspend_lost: bool = True
    ) -> BeatAnswer:
        return await self._write(
            lambda: self.blocking.beat(worker, pulses, suspend_lost=suspend_lost)
        )

    async def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> tuple[LostSession, ...]:
        return await self._write(lambda: self.blocking.register(worker, registrations))

    async def suspend(self, worker: str, departures: Sequence[Departure]) -> tuple[Session, ...]:
        return await self._write(lambda: self.blocking.suspend(worker, departures))

    async def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> tuple[Session, ...]:
        return await self._write(lambda: self.blocking.close(worker, departures, claimant))

    async def confirm(self, sessions: Sequence[str]) -> None:
        await self._write(lambda: self.blocking.confirm(sessions))

    async def request_close(
        self, *, session: str = "", user: str = "", login: str = "", code: int, reason: str
    ) -> tuple[str, ...]:
        who = {"session": session, "user": user, "login": login}
        return await self._write(
            lambda: self.blocking.request_close(**who, code=code, reason=reason)
        )

    async def leave(self, worker: str) -> tuple[Session, ...]:
        return await self._write(lambda: self.blocking.leave(worker))

    async def get(self, session: str) -> Session | None:
        return await self._read(lambda: self.blocking.get(session))

    async def page(self, query: Query, *, limit: int = 100, cursor: str = "") -> Page:
        return await self._read(lambda: self.blocking.page(query, limit=limit, cursor=cursor))

    async def of_user(self, user: str) -> tuple[Session, ...]:
        return await self._read(lambda: self.blocking.of_user(user))

    async def attendance(self, room: str) -> Attendance:
        return await self._read(lambda: self.blocking.attendance(room))

    async def stats(self) -> Stats:
        return await self._read(self.blocking.stats)

    async def workers(self) -> tuple[WorkerReport, ...]:
        return await self._read(self.blocking.workers)

    async def sample(self) -> None:
        await self._write(self.blocking.sample)

    async def samples(self, *, after: int = 0) -> tuple[StatsSample, ...]:
        return await self._read(lambda: self.blocking.samples(after=after))

    async def sweep(self, claimant: str, *, limit: int = BATCH) -> Swept:
        return await self._write(lambda: self.blocking.sweep(claimant, limit=limit))

    async def overdue(self) -> Overdue:
        return await self._read(self.blocking.overdue)

    async def note_sweep(self, report: SweepReport) -> None:
        await self._write(lambda: self.blocking.note_sweep(report))

    async def probe(self) -> None:
        await self._write(self.blocking.probe)

    async def aclose(self) -> None:
        tasks = [task for task in (self._writer, self.log.gathering.task) if task]
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_PATIENCE)

    # ------------------------------------------------------------ reading, writing

    async def _read(self, call: Callable[[], T]) -> T:
        return await self._in_time(self._in_turn(call))

    async def _in_turn(self, call: Callable[[], T]) -> T:
        await self._reading.acquire()
        try:
            future = self._threads.submit(call)
        except BaseException as error:
            self._reading.release()
            if isinstance(error, Overloaded):
                raise _too_many() from None
            raise
        # A call that was given up goes on in its thread.
        future.add_done_callback(partial(_release, self._reading, asyncio.get_running_loop()))
        return await asyncio.wrap_future(future)

    async def _write(self, call: Callable[[], T], *, alone: bool = False) -> T:
        if len(self._writes) >= MAX_WAITING:
            raise AtCapacity("too many writes are waiting for the database")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writes.append(_Write(call, alone, answer))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain(), name="realtime-store-writer")
        return await self._in_time(answer)

    async def _in_time(self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {self._timeout:g} s") from None

    async def _drain(self) -> None:
        """Write until nothing waits. Calls that were given up are not begun."""
        while self._writes:
            group = [write for write in self._next_group() if not write.answer.done()]
            results = await self._results(group) if group else []
            for write, result in zip(group, results, strict=False):
                _settle(write.answer, result)
            self._writes.extendleft(reversed(group[len(results) :]))

    def _next_group(self) -> list[_Write]:
        group = [self._writes.popleft()]
        while self._writes and len(group) < BATCH and not (group[0].alone or self._writes[0].alone):
            group.append(self._writes.popleft())
        return group

    async def _results(self, group: Sequence[_Write]) -> list[Any]:
        try:
            return await self._run(lambda: self._commit(group))
        except Exception as error:  # handed to everybody who waits for this transaction
            return [error] * len(group)

    async def _run(self, call: Callable[[], T]) -> T:
        try:
            return await self._threads.run(call)
        except Overloaded:
            raise _too_many() from None

    def _commit(self, group: Sequence[_Write]) -> list[Any]:
        """Run the calls in one transaction, each in a savepoint of its own; their results.

        Two processes that lock the same rows in groups may come to wait for each other.
        The call that the database then gives up begins the next transaction: what the
        calls before it had locked is free by then.
        """
        results: list[Any] = []
        with self._database.write():
            for write in group:
                result = _outcome(write)
                if results and isinstance(result, Deadlock):
                    break
                results.append(result)
        return results


def _too_many() -> AtCapacity:
    return AtCapacity("too many calls are waiting for the database")


def _release(turns: asyncio.Semaphore, loop: asyncio.AbstractEventLoop, _: object) -> None:
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(turns.release)


def _outcome(write: _Write) -> Any:
    if write.answer.done():  # given up while the transaction waited for its lock
        return None
    try:
        return write.call()
    except Exception as error:  # handed to whoever waits for this call
        return error


def _settle(answer: "asyncio.Future[Any]", result: Any) -> None:
    if answer.done():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
