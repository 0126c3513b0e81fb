"""The parts that all operations on one database share."""

from realtime.models import LiveSession, Registry

from ..ownership import Owner
from ..timeouts import Timeouts
from .leases import WorkerLeases
from .memberships import Memberships
from .ownership import Ownership
from .presence_rows import PresenceRows
from .requested_ends import RequestedEnds
from .session_limit import SessionLimitCheck
from .suspension import Suspension
from .tombstones import Tombstones
from .transaction import Database


class SharedParts:
    """The base of the classes that hold the operations."""

    def __init__(self, database: Database, timeouts: Timeouts, owner: Owner | None = None) -> None:
        self._database = database
        self._timeouts = timeouts
        self._ownership = Ownership(database, owner)
        self._tombstones = Tombstones(database, timeouts)
        self._requested_ends = RequestedEnds(database)
        self._leases = WorkerLeases(database, timeouts, self._tombstones)
        self._memberships = Memberships(database)
        self._presences = PresenceRows(database)
        self._session_limit = SessionLimitCheck(database, self._leases)
        self._suspension = Suspension(database, timeouts, self._leases)
        self._live = LiveSession.objects.using(database.alias)
        self._registry = Registry.objects.using(database.alias)
