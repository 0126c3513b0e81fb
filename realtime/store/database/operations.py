"""The store contract on Django models."""

from typing import Any

from ..log import DEFAULT_BOUNDS, LogBounds
from ..ownership import Owner
from ..timeouts import Timeouts
from .beats import BeatOperations
from .departures import DepartureOperations
from .log import LogOperations
from .openings import OpeningOperations
from .queries import QueryOperations
from .registrations import RegistrationOperations
from .stats import StatsOperations
from .sweep import SweepOperations
from .transaction import Database


class DatabaseOperations(
    OpeningOperations,
    BeatOperations,
    RegistrationOperations,
    DepartureOperations,
    QueryOperations,
    StatsOperations,
    SweepOperations,
):
    """All methods, each one transaction; ``log`` has those of the message log."""

    def __init__(
        self,
        database: Database,
        timeouts: Timeouts,
        bounds: LogBounds = DEFAULT_BOUNDS,
        *,
        owner: Owner | None = None,
    ) -> None:
        super().__init__(database, timeouts, owner)
        self.log = LogOperations(database, bounds)

    def own(self, *, adopt: bool = False) -> None:
        self._ownership.own(adopt=adopt)

    def needs_own_transaction(self, name: str, arguments: dict[str, Any]) -> bool:
        """Whether this call must not share its transaction with others: ``own``, as the owner is
        checked where a transaction begins; and ``open`` with a limit where transactions are
        concurrent: it may wait for a row, so it must hold none that others wait for."""
        if name == "open":
            return arguments.get("limit") is not None and self._database.is_shared
        return name == "own"
