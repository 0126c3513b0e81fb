"""The history: one row for each session that has ended, and its signal, exactly once."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from .models import ClosedSession
from .presentation import moment
from .signals import announce_closed, session_closed
from .store.database.transaction import Database
from .store.records import Session


class History:
    """Blocking; run it in a thread. ``days`` is how long rows stay.

    Every method raises StoreUnavailable if the database does not answer.
    """

    def __init__(self, database: Database, *, days: float) -> None:
        self._database = database
        self._keep = timedelta(days=days)
        self._rows = ClosedSession.objects.using(database.alias)

    def record(self, sessions: Sequence[Session]) -> int:
        """Write the rows of claimed sessions and send their signals; how many were new.

        The row is unique by session, and the signal goes out in the transaction that
        inserts it: two claimants of one session make one row and one signal.
        """
        # Once each, and in one order, so that two callers do not wait for each other.
        ended = {session.id: session for session in sorted(sessions, key=lambda s: s.id)}
        with self._database.write() as now:
            inserted = self._insert([_row(session, now) for session in ended.values()])
            if session_closed.has_listeners():
                for session in ended.values():
                    if session.id in inserted:
                        announce_closed(session, self._database.alias)
        return len(inserted)

    def _insert(self, rows: Sequence[ClosedSession]) -> set[str]:
        """Insert what is not there yet; the session ids inserted by this very call."""
        try:
            with transaction.atomic(self._database.alias):
                self._rows.bulk_create(rows)
        except IntegrityError:  # some are there: a claim had expired and was taken again
            return {row.session for row in rows if self._insert_one(row)}
        return {row.session for row in rows}

    def _insert_one(self, row: ClosedSession) -> bool:
        row.pk = None
        try:
            with transaction.atomic(self._database.alias):
                row.save(using=self._database.alias, force_insert=True)
        except IntegrityError:
            return False
        return True

    def prune(self) -> int:
        """Delete rows that are older than ``days``; how many."""
        with self._database.write() as now:
            deleted, _ = self._old(now).delete()
            return deleted

    def prunable(self) -> int:
        """How many rows :meth:`prune` would delete."""
        with self._database.read() as now:
            return self._old(now).count()

    def _old(self, now: int) -> QuerySet[ClosedSession]:
        return self._rows.filter(closed_at__lt=moment(now) - self._keep)


def _row(session: Session, now: int) -> ClosedSession:
    return ClosedSession(
        session=session.id,
        user=session.peer.user,
        username=session.peer.username,
        address=session.peer.address,
        agent=session.peer.agent,
        opened_at=moment(session.opened_at),
        last_seen=moment(session.last_beat),
        closed_at=moment(now),
        duration=(session.last_beat - session.opened_at) / 1000,
        resumes=session.generation - 1,
        code=session.end_code,
        reason=session.end_reason,
        **asdict(session.totals),
    )
