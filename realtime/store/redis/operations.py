"""The whole contract as talks, for whoever drives them."""

from ..log import BOUNDS, LogBounds
from ..ownership import Owner
from .log import LogOperations
from .ownership import OwnershipOperations
from .queries import QueryOperations
from .scripts import ScriptCalls
from .sessions import SessionOperations
from .stats import StatsOperations
from .sweeping import SweepOperations


class Operations:
    """The parts of the contract, over the same calls."""

    def __init__(
        self, calls: ScriptCalls, bounds: LogBounds = BOUNDS, *, owner: Owner | None = None
    ) -> None:
        self.ownership = OwnershipOperations(calls, owner)
        self.sessions = SessionOperations(calls)
        self.looking = QueryOperations(calls)
        self.sweeping = SweepOperations(calls)
        self.numbers = StatsOperations(calls)
        self.log = LogOperations(calls, bounds)
