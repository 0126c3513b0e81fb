"""The driver of the store on Django models for threads."""

from ..contract import BlockingStore
from ..log import DEFAULT_BOUNDS, BlockingLog, LogBounds
from ..operation import Operation, P, T
from ..ownership import Owner
from ..timeouts import Timeouts
from .log import LogOperations
from .operations import DatabaseOperations
from .transaction import Database


class BlockingDatabaseStore(BlockingStore):
    """Sessions, leases and closes as rows; each method is one transaction."""

    def __init__(
        self,
        database: Database,
        timeouts: Timeouts,
        bounds: LogBounds = DEFAULT_BOUNDS,
        *,
        owner: Owner | None = None,
    ) -> None:
        self.database = database
        self.operations = DatabaseOperations(database, timeouts, bounds, owner=owner)
        self.log: BlockingDatabaseLog = BlockingDatabaseLog(self.operations.log)

    def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = getattr(self.operations, operation.name)(*args, **kwargs)
        return result


class BlockingDatabaseLog(BlockingLog):
    """The log of that store."""

    def __init__(self, operations: LogOperations) -> None:
        self.operations = operations

    def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = getattr(self.operations, operation.name)(*args, **kwargs)
        return result
