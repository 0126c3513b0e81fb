"""Small builders of a store's arguments, and of the states that most tests begin with."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from realtime.store.contract import BATCH, BlockingStore
from realtime.store.operation import Operation
from realtime.store.records import (
    BeatAnswer,
    Departure,
    Opening,
    Page,
    Peer,
    Query,
    Registration,
    Session,
    SessionState,
    SessionUpdate,
    Totals,
    WorkerReport,
)

from .store_fixtures import LEASE, StoreFixture

CONNECTED, SUSPENDED, CLOSING = SessionState


def operations_of(contract: type) -> Iterator[Operation[..., Any]]:
    """The methods that a contract class declares."""
    return (each for each in vars(contract).values() if isinstance(each, Operation))


def opening(session: str = "s1", *, connection: str = "", **given: Any) -> Opening:
    """A connection that opens ``session``; ``user``, ``login`` and so on are its peer's."""
    peer = {name: given.pop(name) for name in tuple(given) if name in Peer.__struct_fields__}
    return Opening(
        session=session,
        token_hash=given.pop("token", f"token of {session}"),
        connection=connection or f"{session}, first",
        worker=given.pop("worker", "w1"),
        peer=Peer(**{"user": "7", "username": "ada", "address": "10.0.0.1", **peer}),
        **given,
    )


def returning(session: str = "s1", **given: Any) -> Opening:
    """The same client on a new connection, to another worker."""
    return opening(session, **{"connection": f"{session}, second", "worker": "w2", **given})


def update(session: str = "s1", *, generation: int = 1, **given: Any) -> SessionUpdate:
    """A session's part of a beat."""
    values = {"latency_ms": None, "missed": 0, "visibility": "visible", "totals": Totals(), **given}
    return SessionUpdate(session=session, generation=generation, **values)


def abandoned(session: str = "s1", *, connection: str, code: int = 4009) -> Departure:
    """The end of a connection that its worker abandoned before an answer came."""
    return Departure(update(session, generation=0), code, "try again later", connection)


def resumed(store: BlockingStore, opening: Opening) -> Session:
    """Resume a session that may be."""
    session = store.resume(opening)
    assert isinstance(session, Session)
    return session


def departure(
    session: str = "s1", *, code: int = 1006, reason: str = "connection lost", **given: Any
) -> Departure:
    """The end of a connection."""
    return Departure(update(session, **given), code, reason)


def report(worker: str = "w1", *, connections: int = 1, **given: Any) -> WorkerReport:
    """A worker's report."""
    return WorkerReport(worker, "host", 1, connections, **given)


def beat(
    store: BlockingStore, worker: str = "w1", *pulses: SessionUpdate, **given: Any
) -> BeatAnswer:
    """A worker's beat about these sessions."""
    return store.beat(report(worker, **given), pulses)


def opened(store: BlockingStore, opening: Opening, **given: Any) -> Session:
    """Open a session that is admitted."""
    session = store.open(opening, **given)
    assert isinstance(session, Session)
    return session


def open_many(store: BlockingStore, count: int, **given: Any) -> list[str]:
    """Open so many sessions, all but the first by registering them, which is faster; returns their
    ids, sorted."""
    first, *others = ids = [f"s{number:04}" for number in range(count)]
    session = opened(store, opening(first, **given))
    for start in range(0, len(others), BATCH):
        batch = others[start : start + BATCH]
        store.register(session.worker, [registration(replace(session, id=id_)) for id_ in batch])
    return ids


def registration(session: Session, *, idle_ms: int = 0, **news: Any) -> Registration:
    """A session as its worker knows it, opened like those of :func:`opening`; ``news`` are the
    values that have changed since."""
    own = opening(session.id)
    return Registration(replace(session, **news), own.token_hash, own.connection, idle_ms)


def depart(
    store: BlockingStore, verb: str, worker: str, *departures: Departure
) -> tuple[Session, ...]:
    """Call ``suspend`` or ``close``, as ``verb`` says."""
    if verb == "suspend":
        return store.suspend(worker, departures)
    return store.close(worker, departures, worker)


def end_lease(backend: StoreFixture, worker: str = "w1") -> None:
    """A worker beats, and the clock advances until its lease has ended."""
    beat(backend.store, worker)
    backend.advance(LEASE + 1)


def suspended(store: BlockingStore, session: str = "s1", **given: Any) -> Session:
    """Open a session and suspend it."""
    store.open(opening(session, **given))
    (record,) = store.suspend(given.get("worker", "w1"), [departure(session)])
    return record


def closing(store: BlockingStore, session: str = "s1", claimant: str = "w1") -> Session:
    """Open a session and close it; its end is claimed by ``claimant``."""
    store.open(opening(session))
    (record,) = store.close("w1", [departure(session, code=1000, reason="bye")], claimant)
    return record


def found(store: BlockingStore, session: str = "s1") -> Session:
    """A session that the store shows."""
    record = store.get(session)
    assert record is not None
    return record


def state(store: BlockingStore, session: str = "s1") -> SessionState | None:
    """The state of a session; None if it is closing or unknown."""
    record = store.get(session)
    return record.state if record else None


def pages(store: BlockingStore, query: Query, limit: int) -> Iterator[Page]:
    """All pages of a query, from the first to the last."""
    page = store.page(query, limit=limit)
    yield page
    while page.cursor:
        page = store.page(query, limit=limit, cursor=page.cursor)
        yield page


def totals(store: BlockingStore) -> tuple[int, int, int]:
    """The pings, pongs and timeouts of all workers."""
    stats = store.stats()
    return stats.pings, stats.pongs, stats.timeouts


def ids(sessions: tuple[Session, ...]) -> list[str]:
    """The ids of some sessions, in their order."""
    return [session.id for session in sessions]
