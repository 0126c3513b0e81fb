"""The sweep as talks with Redis: suspend what is dead, claim what is to be closed."""

import msgspec

from ..contract import LOST_WORKER_KEPT_MS
from ..records import Overdue, SweepReport, Swept
from . import rows
from .rows import LoginPlace, SessionRow, answers
from .scripts import Operation, ScriptCalls


class _Swept(msgspec.Struct):
    """The answer of ``sweep.lua``."""

    lost: list[SessionRow]
    silent: list[SessionRow]
    claimed: list[SessionRow]
    workers_lost: int


class _Overdue(msgspec.Struct):
    """The answer of ``overdue.lua``."""

    suspend: int
    close: int
    workers_lost: int
    place: LoginPlace | None = None


_swept = answers(_Swept)
_overdue = answers(_Overdue)


class SweepOperations:
    """See the contract for what each method does."""

    def __init__(self, calls: ScriptCalls) -> None:
        self._calls = calls

    def sweep(self, claimant: str, *, limit: int) -> Operation[Swept]:
        """One call."""
        answer = yield self._calls(
            "sweep", claimant=claimant, limit=limit, kept_ms=LOST_WORKER_KEPT_MS
        )
        swept = _swept.decode(answer)
        suspended = rows.by_id(swept.lost) + rows.by_id(swept.silent)
        return Swept(suspended, rows.by_id(swept.claimed), swept.workers_lost)

    def overdue(self) -> Operation[Overdue]:
        """One call, and another for each further BATCH of silent sessions."""
        suspend = close = workers_lost = 0
        place = None
        while True:
            step = _overdue.decode((yield self._calls("overdue", place=place)))
            suspend += step.suspend
            close += step.close
            workers_lost += step.workers_lost
            place = step.place
            if place is None:
                return Overdue(suspend, close, workers_lost)

    def note_sweep(self, report: SweepReport) -> Operation[None]:
        """One call."""
        yield self._calls("note_sweep", report=rows.json_of(report))
