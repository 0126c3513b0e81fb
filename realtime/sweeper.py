"""The sweep: suspend what is dead, finish what has ended, prune the history.

Any number of sweeps may run at once, here and elsewhere: the store's claims and
the history's unique rows see to it that each session is closed exactly once.
"""

import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from .history import History
from .signals import announce_suspended, room_left, session_suspended
from .store.base import BATCH, Store, StoreUnavailable
from .store.records import Session, SweepReport
from .threads import Overloaded, Threads

P = ParamSpec("P")
T = TypeVar("T")


class Sweeper:
    """``claimant`` names this process in claims; it must be unique to it."""

    def __init__(self, store: Store, history: History, threads: Threads, *, claimant: str) -> None:
        self._store = store
        self._history = history
        self._threads = threads
        self._claimant = claimant

    async def sweep(self) -> SweepReport:
        """Sweep until nothing is due. Raises StoreUnavailable."""
        began = time.monotonic()
        suspended = closed = workers_lost = 0
        while True:
            step = await self._store.sweep(self._claimant)
            await self.announce_suspended(step.suspended)
            closed += await self.finish(step.claimed)
            suspended += len(step.suspended)
            workers_lost += step.workers_lost
            if max(len(step.suspended), len(step.claimed)) < BATCH:
                break
        pruned = await self._run(self._history.prune)
        while await self._store.log.prune():  # in steps, so that others get their turn
            pass
        report = SweepReport(suspended, closed, workers_lost, pruned, _since(began))
        await self._store.note_sweep(report)
        return report

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

    async def finish(self, claimed: Sequence[Session]) -> int:
        """Write the history of claimed sessions, then let the store forget them.

        How many of them this call was the first to record. Raises StoreUnavailable.
        """
        if not claimed:
            return 0
        recorded = await self._run(self._history.record, claimed)
        await self._store.confirm([session.id for session in claimed])
        return recorded

    async def announce_suspended(self, sessions: Sequence[Session]) -> None:
        """Tell the receivers of ``session_suspended`` and ``room_left``, if there are any.

        Raises StoreUnavailable if there is no room to do so now.
        """
        if sessions and (session_suspended.has_listeners() or room_left.has_listeners()):
            await self._run(announce_suspended, sessions)

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._threads.run(call, *args, **kwargs)
        except Overloaded:
            raise StoreUnavailable("too many calls are waiting for the database") from None


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)
