"""The sweep: suspend what is dead, finish what has ended, prune the history.

Any number of sweeps may run at once, here and elsewhere: the store's claims and
the history's unique rows see to it that each session is closed exactly once.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from realtime.common.threads import Overloaded, Threads
from realtime.events.session_log import log_session
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.store.contract import BATCH, AtCapacity, Store, StoreUnavailable
from realtime.store.records import Session, SweepReport, Swept

from .history import PRUNED, History

# Seconds that the history of a session waits until receivers have heard what came before its
# end, so that they hear of the end last. Less than a claim lasts; more would mean that the
# history waits for receivers that hang.
IN_ORDER = 2.0

# Of sessions that are finished soon: so many at a time, tried again after so many seconds.
MAX_FINISHING = 20_000
AGAIN = (1.0, 2.0, 4.0)

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("realtime.worker")


SWEEP_AGAIN = 5.0  # seconds of pruning between two looks at what is due


@dataclass(slots=True)
class _SweepCounts:
    """What a sweep has done so far."""

    suspended: int = 0
    closed: int = 0
    workers_lost: int = 0


class Sweeper:
    """``claimant`` names this process in claims; it must be unique to it. ``threads`` are those
    of the history; ``receivers`` are told of what happens, and not waited for.

    The next sessions are claimed while the history of those before is written: the store and
    the database work at the same time. Who asks again is given what it has not confirmed yet,
    so a sweep asks by two names in turn. Not with ``in_turn``, where both are one SQLite: the
    claim would wait for the writing, receivers and all, and be given up as too late.
    """

    def __init__(
        self,
        store: Store,
        history: History,
        threads: Threads,
        receivers: SignalDispatcher,
        *,
        claimant: str,
        in_turn: bool = False,
    ) -> None:
        self._store = store
        self._history = history
        self._threads = threads
        self._receivers = receivers
        self._in_turn = in_turn
        self._claimants = (claimant, f"{claimant} too")
        self._unfinished: set[str] = set()  # those that may hold claims
        self._tasks: set[asyncio.Task[None]] = set()
        self._finishing_now = 0  # sessions, by the tasks
        self.quiet = False  # no line of the log for each session of a sweep

    async def sweep(self) -> SweepReport:
        """Sweep until nothing is due. Raises StoreUnavailable."""
        began = time.monotonic()
        tally = _SweepCounts()
        await self._finish_all(tally)
        pruned = await self._prune(tally)
        while await self._store.log.prune():  # in steps, so that others get their turn
            pass
        report = SweepReport(
            tally.suspended, tally.closed, tally.workers_lost, pruned, _since(began)
        )
        await self._store.note_sweep(report)
        return report

    async def _prune(self, tally: _SweepCounts) -> int:
        """Prune the history in steps, and pause in between for as long as each takes: who waits
        for SQLite's lock looks for it now and then only. How many rows.

        Sessions that become due meanwhile do not wait for the end of a long pruning.
        """
        pruned, step, swept_at = 0, PRUNED, time.monotonic()
        while step == PRUNED:
            began = time.monotonic()
            step = await self._run(self._history.prune)
            pruned += step
            if time.monotonic() - swept_at > SWEEP_AGAIN:
                await self._finish_all(tally)
                swept_at = time.monotonic()
            if step == PRUNED:
                await asyncio.sleep(time.monotonic() - began)
        return pruned

    async def rehearse(self) -> SweepReport:
        """What :meth:`sweep` would do; changes nothing."""
        began = time.monotonic()
        overdue = await self._store.overdue()
        pruned = await self._run(self._history.prunable)
        return SweepReport(
            overdue.suspend,
            overdue.close,
            overdue.workers_lost,
            pruned,
            _since(began),
            dry_run=True,
        )

    async def _finish_all(self, tally: _SweepCounts) -> None:
        mine, other = self._claimants
        step = await self._claim(mine, tally)
        while _is_full(step) or other in self._unfinished:
            if self._in_turn:
                await self._finish(mine, step, tally)
                step = await self._claim(other, tally)
            else:
                finishing = self._finish(mine, step, tally)
                step = await _together(self._claim(other, tally), finishing)
            mine, other = other, mine
        await self._finish(mine, step, tally)

    async def _claim(self, claimant: str, tally: _SweepCounts) -> Swept:
        """One step of the store. Who was suspended is told here: it is news only once, and
        must not be lost where the sessions of the step before cannot be finished."""
        self._unfinished.add(claimant)
        step = await self._store.sweep(claimant)
        tally.suspended += len(step.suspended)
        tally.workers_lost += step.workers_lost
        self._log("suspended by a sweep", step.suspended)
        self._receivers.tell_suspended(step.suspended)
        return step

    async def _finish(self, claimant: str, step: Swept, tally: _SweepCounts) -> None:
        tally.closed += await self.finish(step.claimed)
        self._unfinished.discard(claimant)
        self._log("swept", step.claimed)

    def _log(self, event: str, sessions: Sequence[Session]) -> None:
        for session in () if self.quiet else sessions:
            log_session(event, session, code=session.end_code, reason=session.end_reason)

    async def finish(self, claimed: Sequence[Session]) -> int:
        """Write the history of claimed sessions, then let the store forget them.

        How many of them this call was the first to record. Raises StoreUnavailable.
        """
        if not claimed:
            return 0
        ids = [session.id for session in claimed]
        await self._receivers.heard(ids, within=IN_ORDER)
        left = self._receivers.tell_left
        recorded = await self._run(self._history.record, claimed, left=left)
        await self._store.confirm(ids)
        return recorded

    def finish_soon(self, claimed: Sequence[Session]) -> None:
        """Finish these while others leave: their history may take long, or hang. What cannot
        be finished is left to the next sweep, when the claims have run out."""
        if not claimed:
            return
        if self._finishing_now + len(claimed) > MAX_FINISHING:
            logger.error("too many ended sessions wait for their history; sweeps will write it")
            return
        self._finishing_now += len(claimed)
        task = asyncio.create_task(self._finish_at_last(claimed), name="realtime-finish")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish_at_last(self, claimed: Sequence[Session]) -> None:
        try:
            for pause in AGAIN:
                try:
                    await self.finish(claimed)
                except StoreUnavailable as error:
                    logger.debug("history: %s", error)
                    await asyncio.sleep(pause)
                else:
                    return
        except Exception:
            logger.exception("ended sessions could not be finished; a sweep will try again")
        finally:
            self._finishing_now -= len(claimed)

    async def settle(self, within: float) -> None:
        """Wait until what is to be finished soon is, but at most so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    async def stop(self) -> None:
        """Leave what is not finished to the next sweep."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._threads.run(call, *args, **kwargs)
        except Overloaded:
            raise AtCapacity("too many calls are waiting for the database") from None


def _is_full(step: Swept) -> bool:
    """Whether there may be more."""
    return max(len(step.suspended), len(step.claimed)) >= BATCH


async def _together(first: Awaitable[T], second: Awaitable[object]) -> T:
    """The result of the first when both have ended: a failure of one does not cut the other
    short, and is raised after it."""
    one, two = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(two, BaseException):
        raise two
    if isinstance(one, BaseException):
        raise one
    return one


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)
