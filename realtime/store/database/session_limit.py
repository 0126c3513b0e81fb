"""The limit of a user's sessions on Django models: which ones close for one more."""

from django.db.models import QuerySet

from realtime.models import LiveSession
from realtime.protocol.codes import FINAL, CloseCode

from ..records import Opening, SessionLimit
from .leases import WorkerLeases
from .rows import CONNECTED, ONLINE
from .transaction import Database


class SessionLimitCheck:
    """Counts and evicts within the caller's exclusive transaction, so that no other call counts
    meanwhile."""

    def __init__(self, database: Database, leases: WorkerLeases) -> None:
        self._live = LiveSession.objects.using(database.alias)
        self._leases = leases

    def make_room(self, opening: Opening, limit: SessionLimit, now: int) -> bool:
        """Request the end of as many sessions as needed; False if that is not enough.

        A repeated opening needs no room, and anonymous sessions are not counted.
        """
        user = opening.peer.user
        if not user or self._live.filter(id=opening.session).exists():
            return True
        while True:
            counted = list(self._counted(user))
            surplus = len(counted) + 1 - limit.max_sessions
            if surplus <= 0:
                return True
            evicted = self._evictable(counted, limit, now)[:surplus]
            if len(evicted) < surplus:
                return False
            for row in evicted:
                self._request_close(row)
            # Count again: a session that was resumed meanwhile got no request.

    def _counted(self, user: str) -> QuerySet[LiveSession]:
        """The user's sessions that are not about to end.

        They are not locked: other transactions hold some of them and may want the rest.
        """
        remaining = self._live.filter(user=user, state__in=ONLINE, close_code__lt=FINAL)
        return remaining.only("id", "state", "worker", "opened_at")

    def _evictable(
        self, counted: list[LiveSession], limit: SessionLimit, now: int
    ) -> list[LiveSession]:
        """In the order in which they are evicted."""
        workers = self._leases.dead(now).filter(id__in={row.worker for row in counted})
        dead = set(workers.values_list("id", flat=True))

        def in_use(row: LiveSession) -> bool:
            return row.state == CONNECTED and row.worker not in dead

        evictable = [row for row in counted if limit.evict_oldest or not in_use(row)]
        return sorted(evictable, key=lambda row: (in_use(row), row.opened_at, row.id))

    def _request_close(self, row: LiveSession) -> None:
        code = CloseCode.TOO_MANY_SESSIONS
        unchanged = self._live.filter(id=row.id, state=row.state, worker=row.worker)
        unchanged.update(close_code=code.value, close_reason=code.reason)
