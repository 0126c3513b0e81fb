"""The sweeper: suspends the sessions of lost workers, closes expired ones, prunes the history.

Any number of sweeps may run at once, in any number of processes: the store's claims and the
history's unique rows make each session close exactly once.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from realtime.common.tasks import start_task
from realtime.common.threads import Overloaded, Threads
from realtime.events.session_log import log_session
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.store.contract import BATCH, AtCapacity, Store, StoreUnavailable
from realtime.store.records import Session, SweepReport, Swept

from .history import MAX_PRUNED, History

# Seconds that a session's history waits for the receivers of its earlier signals, so that they get
# the end last. Shorter than a claim; receivers that hang do not hold up the history for longer.
SIGNAL_TIMEOUT = 2.0

MAX_FINISHING = 20_000  # sessions that are finished in the background at once
RETRY_DELAYS = (1.0, 2.0, 4.0)  # seconds between the attempts to finish them

FINISH_INTERVAL = 5.0  # seconds of pruning after which sessions that became due are finished

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("realtime.worker")


@dataclass(slots=True)
class _SweepCounts:
    suspended: int = 0
    closed: int = 0
    workers_lost: int = 0


class Sweeper:
    """Sweeps, and finishes sessions that were claimed elsewhere.

    ``claimant`` names this process in claims and must be unique to it. ``threads`` run the
    history's calls. ``dispatcher`` sends the signals.

    A sweep claims the next sessions while it writes the history of those before, so that store
    and database work at the same time. A claimant that sweeps again gets its unconfirmed claims
    again, so a sweep alternates between two names. ``sequential`` is for one SQLite database that
    is both: there the claim would wait for the writing, receivers included, and time out.
    """

    def __init__(
        self,
        store: Store,
        history: History,
        threads: Threads,
        dispatcher: SignalDispatcher,
        *,
        claimant: str,
        sequential: bool = False,
    ) -> None:
        self._store = store
        self._history = history
        self._threads = threads
        self._dispatcher = dispatcher
        self._sequential = sequential
        self._claimants = (claimant, f"{claimant} too")
        self._unfinished: set[str] = set()  # claimants that may hold claims
        self._tasks: set[asyncio.Task[None]] = set()
        self._finishing = 0  # sessions of these tasks
        self.quiet = False  # True: no log line for each session of a sweep

    async def sweep(self) -> SweepReport:
        """Sweep until nothing is due. Raises StoreUnavailable."""
        began = time.monotonic()
        counts = _SweepCounts()
        await self._finish_all(counts)
        pruned = await self._prune(counts)
        while await self._store.log.prune():  # in steps, between which other calls get through
            pass
        report = SweepReport(
            counts.suspended, counts.closed, counts.workers_lost, pruned, _ms_since(began)
        )
        await self._store.note_sweep(report)
        return report

    async def _prune(self, counts: _SweepCounts) -> int:
        """Prune the history in steps; returns how many rows. Also finishes sessions that become due
        meanwhile. The pause after each step is as long as the step: writers that wait for SQLite's
        lock poll for it, so they need it free for some time."""
        pruned, step, finished_at = 0, MAX_PRUNED, time.monotonic()
        while step == MAX_PRUNED:
            began = time.monotonic()
            step = await self._run(self._history.prune)
            pruned += step
            if time.monotonic() - finished_at > FINISH_INTERVAL:
                await self._finish_all(counts)
                finished_at = time.monotonic()
            if step == MAX_PRUNED:
                await asyncio.sleep(time.monotonic() - began)
        return pruned

    async def dry_run(self) -> SweepReport:
        """Report what :meth:`sweep` would do; changes nothing. Raises StoreUnavailable."""
        began = time.monotonic()
        overdue = await self._store.overdue()
        pruned = await self._run(self._history.prunable)
        return SweepReport(
            overdue.suspend,
            overdue.close,
            overdue.workers_lost,
            pruned,
            _ms_since(began),
            dry_run=True,
        )

    async def _finish_all(self, counts: _SweepCounts) -> None:
        mine, other = self._claimants
        step = await self._claim(mine, counts)
        while _is_full(step) or other in self._unfinished:
            if self._sequential:
                await self._finish(mine, step, counts)
                step = await self._claim(other, counts)
            else:
                finishing = self._finish(mine, step, counts)
                step = await _gather(self._claim(other, counts), finishing)
            mine, other = other, mine
        await self._finish(mine, step, counts)

    async def _claim(self, claimant: str, counts: _SweepCounts) -> Swept:
        """One step of the store. Sends signals at once: the store reports a suspension once."""
        self._unfinished.add(claimant)
        step = await self._store.sweep(claimant)
        counts.suspended += len(step.suspended)
        counts.workers_lost += step.workers_lost
        self._log("suspended by a sweep", step.suspended)
        self._dispatcher.dispatch_suspended(step.suspended)
        return step

    async def _finish(self, claimant: str, step: Swept, counts: _SweepCounts) -> None:
        counts.closed += await self.finish(step.claimed)
        self._unfinished.discard(claimant)
        self._log("swept", step.claimed)

    def _log(self, event: str, sessions: Sequence[Session]) -> None:
        for session in () if self.quiet else sessions:
            log_session(event, session, code=session.end_code, reason=session.end_reason)

    async def finish(self, claimed: Sequence[Session]) -> int:
        """Write the history of claimed sessions, then confirm their claims to the store.

        Returns how many of them this call was the first to record. Raises StoreUnavailable.
        """
        if not claimed:
            return 0
        ids = [session.id for session in claimed]
        await self._dispatcher.wait_for(ids, within=SIGNAL_TIMEOUT)
        recorded = await self._run(self._record, claimed)
        await self._store.confirm(ids)
        return recorded

    def _record(self, claimed: Sequence[Session]) -> int:
        # In a thread as a whole: a cancelled caller must not lose the signals.
        new = self._history.record(claimed)
        self._dispatcher.dispatch_left(new)
        return len(new)

    def finish_in_background(self, claimed: Sequence[Session]) -> None:
        """Finish these in a task, or leave them to the sweep that finds their claims expired."""
        if not claimed:
            return
        if self._finishing + len(claimed) > MAX_FINISHING:
            logger.error("too many ended sessions wait for their history; sweeps will write it")
            return
        self._finishing += len(claimed)
        task = start_task(self._try_to_finish(claimed), name="realtime-finish")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try_to_finish(self, claimed: Sequence[Session]) -> None:
        try:
            for delay in RETRY_DELAYS:
                try:
                    await self.finish(claimed)
                except StoreUnavailable as error:
                    logger.debug("history: %s", error)
                    await asyncio.sleep(delay)
                else:
                    return
        except Exception:
            logger.exception("ended sessions could not be finished; a sweep will try again")
        finally:
            self._finishing -= len(claimed)

    async def settle(self, within: float) -> None:
        """Wait for what is being finished in the background, but at most ``within`` seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    async def stop(self) -> None:
        """Cancel what is being finished in the background, and leave it to the next sweep."""
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


async def _gather(first: Awaitable[T], second: Awaitable[object]) -> T:
    """Wait for both, then return the first's result; a failure of the second is raised first."""
    one, two = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(two, BaseException):
        raise two
    if isinstance(one, BaseException):
        raise one
    return one


def _ms_since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)
