"""Small builders of a store's arguments, and of the states that most tests begin with."""

from typing import Any

from msgspec.structs import replace

from realtime.store.contract import BATCH, BlockingStore
from realtime.store.records import (
    BeatAnswer,
    Departure,
    Opening,
    Peer,
    Registration,
    Session,
    SessionState,
    SessionUpdate,
    Totals,
    WorkerReport,
)

CONNECTED, SUSPENDED, CLOSING = SessionState


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
        store.register(session.worker, [known(replace(session, id=id_)) for id_ in batch])
    return ids


def known(session: Session) -> Registration:
    """A session as its worker knows it, opened like those of :func:`opening`."""
    return Registration(session, f"token of {session.id}", f"{session.id}, first")


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


def state(store: BlockingStore, session: str = "s1") -> SessionState | None:
    """The state of a session; None if it is closing or unknown."""
    found = store.get(session)
    return found.state if found else None


def ids(sessions: tuple[Session, ...]) -> list[str]:
    """The ids of some sessions, in their order."""
    return [session.id for session in sessions]
