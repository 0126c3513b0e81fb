"""``open`` with a limit, concurrently."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import connections, transaction

from realtime.common.threads import Threads
from realtime.models import LiveSession
from realtime.store.contract import BlockingStore
from realtime.store.database import DatabaseStore
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.transaction import Database
from realtime.store.records import Opening, Session, SessionLimit, Verdict
from tests.polling import eventually

from .builders import beat, departure, ids, opening, report, update
from .store_fixtures import TIMEOUTS, StoreFixture
from .test_limits import OLDEST, REJECT, TOO_MANY, evictions, fill


def opens(sessions: list[str], limit: SessionLimit) -> list[partial[Session | Verdict | None]]:
    openings: list[Opening] = [opening(id_) for id_ in sessions]
    return [partial(_open, opening=each, limit=limit) for each in openings]


def _open(
    store: BlockingStore, *, opening: Opening, limit: SessionLimit
) -> Session | Verdict | None:
    return store.open(opening, limit=limit)


def test_concurrent_opens_admit_exactly_the_limit(backend: StoreFixture) -> None:
    beat(backend.store)
    answers = backend.at_once(opens([f"s{number}" for number in range(8)], REJECT))
    admitted = sorted(session.id for session in answers if isinstance(session, Session))
    assert len(admitted) == REJECT.max_sessions
    assert sorted(ids(backend.store.of_user("7"))) == admitted
    assert evictions(backend.store) == {}


def test_concurrent_opens_keep_the_newest_with_evict_oldest(backend: StoreFixture) -> None:
    fill(backend, "first", "second")
    answers = backend.at_once(opens([f"s{number}" for number in range(8)], OLDEST))
    assert None not in answers
    gone = evictions(backend.store)
    stay = set(ids(backend.store.of_user("7"))) - gone.keys()
    assert len(stay) == OLDEST.max_sessions
    assert set(gone.values()) == {TOO_MANY}
    assert {"first", "second"} <= gone.keys()


def test_concurrent_opens_admit_one_with_a_limit_of_one(
    backend: StoreFixture,
) -> None:
    beat(backend.store)
    limit = SessionLimit(max_sessions=1, evict_oldest=False)
    for round_ in range(5):
        answers = backend.at_once(opens([f"{round_}, {number}" for number in range(4)], limit))
        (session,) = [session for session in answers if isinstance(session, Session)]
        backend.store.close("w1", [departure(session.id, code=1000)], "w1")


def test_an_open_that_waits_to_evict_holds_no_row(postgres_database: str) -> None:
    """Otherwise two workers could deadlock, each with a lock on the other's session."""
    database = Database(postgres_database)
    sessions = BlockingDatabaseStore(database, TIMEOUTS)
    for id_ in ("oldest", "mine"):
        sessions.open(opening(id_))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(postgres_database):
            locked(database, "oldest")
            both = pool.submit(asyncio.run, beat_and_open(database, sessions))
            eventually(partial(is_waiting, database))
            locked(database, "mine")
        answer, admitted = both.result(10)
    assert (answer.lost, admitted.id) == ((), "newest")
    assert evictions(sessions) == {"oldest": TOO_MANY}


async def beat_and_open(database: Database, sessions: BlockingDatabaseStore) -> Any:
    """Two calls that may share a transaction: a beat about one session, and an open that evicts."""
    threads = Threads()
    store = DatabaseStore(sessions, threads, timeout=10)
    try:
        return await asyncio.gather(
            store.beat(report(), [update("mine")]), store.open(opening("newest"), limit=OLDEST)
        )
    finally:
        await store.aclose()
        await threads.aclose()


def locked(database: Database, session: str) -> None:
    live = LiveSession.objects.using(database.alias).select_for_update()
    assert live.get(id=session)


def is_waiting(database: Database) -> bool:
    with connections[database.alias].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
