"""The limit of a user's sessions on Django models: who gives way to one more."""

from django.db.models import QuerySet

from realtime.models import LiveSession
from realtime.protocol.codes import FINAL, CloseCode

from ..records import Opening, SessionLimit
from .rows import CONNECTED, ONLINE
from .transaction import Database
from .workers import WorkerLeases


class SessionLimitCheck:
    """Counts and evicts within the caller's transaction, which holds the gate, so that
    nobody else counts meanwhile."""

    def __init__(self, database: Database, leases: WorkerLeases) -> None:
        self._live = LiveSession.objects.using(database.alias)
        self._leases = leases

    def admits(self, opening: Opening, cap: SessionLimit, now: int) -> bool:
        """Whether there is room for this session, made if need be; False if that cannot be.

        A repeat is in already, and nobody anonymous is counted.
        """
        user = opening.peer.user
        if not user or self._live.filter(id=opening.session).exists():
            return True
        return self._make_room(user, cap, now)

    def _make_room(self, user: str, cap: SessionLimit, now: int) -> bool:
        while True:
            counted = list(self._counted(user))
            surplus = len(counted) + 1 - cap.limit
            if surplus <= 0:
                return True
            evicted = self._who_may_go(counted, cap, now)[:surplus]
            if len(evicted) < surplus:
                return False
            for row in evicted:
                self._ask_to_end(row)
            # Count again: whoever was continued meanwhile was not asked.

    def _counted(self, user: str) -> QuerySet[LiveSession]:
        """Those that are about to end do not count.

        They are not locked: other transactions hold some of them and may want the rest.
        """
        unended = self._live.filter(user=user, state__in=ONLINE, close_code__lt=FINAL)
        return unended.only("id", "state", "worker", "opened_at")

    def _who_may_go(
        self, counted: list[LiveSession], cap: SessionLimit, now: int
    ) -> list[LiveSession]:
        """In the order in which they go."""
        workers = self._leases.dead(now).filter(id__in={row.worker for row in counted})
        dead = set(workers.values_list("id", flat=True))

        def in_use(row: LiveSession) -> bool:
            return row.state == CONNECTED and row.worker not in dead

        may_go = [row for row in counted if cap.evict_oldest or not in_use(row)]
        return sorted(may_go, key=lambda row: (in_use(row), row.opened_at, row.id))

    def _ask_to_end(self, row: LiveSession) -> None:
        code = CloseCode.TOO_MANY_SESSIONS
        as_it_was = self._live.filter(id=row.id, state=row.state, worker=row.worker)
        as_it_was.update(close_code=code.value, close_reason=code.reason)
