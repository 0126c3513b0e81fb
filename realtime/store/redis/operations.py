"""The store contract as script steps."""

from ..log import DEFAULT_BOUNDS, LogBounds
from ..ownership import Owner
from .log import LogOperations
from .ownership import Ownership
from .queries import QueryOperations
from .scripts import ScriptCalls, ScriptSteps
from .sessions import SessionOperations
from .stats import StatsOperations
from .sweep import SweepOperations


class RedisOperations(SessionOperations, QueryOperations, SweepOperations, StatsOperations):
    """All methods; ``log`` has those of the message log."""

    def __init__(
        self, calls: ScriptCalls, bounds: LogBounds = DEFAULT_BOUNDS, *, owner: Owner | None = None
    ) -> None:
        super().__init__(calls, Ownership(calls, owner))
        self.log = LogOperations(calls, self._ownership, bounds)

    def own(self, *, adopt: bool = False) -> ScriptSteps[None]:
        return self._ownership.own(adopt=adopt)
