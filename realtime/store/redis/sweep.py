"""The sweep on Redis, as script steps: suspend dead sessions, claim those to be closed."""

import msgspec

from ..contract import BATCH, LOST_WORKER_KEPT_MS
from ..records import Overdue, SweepReport, Swept
from . import rows
from .ownership import OwnedOperations
from .rows import Place, SessionRow, answers
from .scripts import ScriptSteps


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
    place: Place | None = None


_swept = answers(_Swept)
_overdue = answers(_Overdue)


class SweepOperations(OwnedOperations):
    """Methods of the contract; each is one call unless its docstring says otherwise."""

    def sweep(self, claimant: str, *, limit: int = BATCH) -> ScriptSteps[Swept]:
        answer = yield self._calls(
            "sweep", claimant=claimant, limit=limit, kept_ms=LOST_WORKER_KEPT_MS
        )
        swept = _swept.decode(answer)
        suspended = rows.by_id(swept.lost) + rows.by_id(swept.silent)
        return Swept(suspended, rows.by_id(swept.claimed), swept.workers_lost)

    def overdue(self) -> ScriptSteps[Overdue]:
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

    def note_sweep(self, report: SweepReport) -> ScriptSteps[None]:
        yield self._calls("note_sweep", report=rows.json_of(report))
