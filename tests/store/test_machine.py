"""The two kinds of store beside each other: the same random calls, and every answer compared.

Their clocks are the machine's, turned on by hand in steps of which no sum comes near the end
of a window: what one store sees a little later than the other makes no difference.
"""

import itertools
import os
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from realtime.store.records import Cap, Order, Query, Registration, Session, SessionState, Totals
from tests.redis_server import RedisServer

from .builders import departure, opening, pulse, report
from .kinds import LEASE, RESUME, SILENCE, DatabaseKind, Kind, RedisKind

WORKERS = ("w1", "w2", "w3")
USERS = ("7", "8", "")
LOGINS = ("l1", "l2", "")
ADDRESSES = ("10.0.0.1", "10.0.0.2")
CODES = (1006, 4002, 4500, 4503)

# 22, 44, 66, 88, 110, 132 …: each is six seconds or more away from any window's end.
STEP = 22
LONGEST = 6  # seconds that the calls themselves may take
assert all(
    (end - 1) // STEP == (end - LONGEST) // STEP and end % STEP for end in (LEASE, SILENCE, RESUME)
)

TOLERANCE_MS = 3000
MOMENT = 1_000_000_000_000  # whatever is more is a time in epoch milliseconds

# A deeper look: REALTIME_MACHINE=1000 makes so many examples, different ones each time.
EXAMPLES = int(os.environ.get("REALTIME_MACHINE", "0"))
PROFILE = settings(
    max_examples=EXAMPLES or 40,
    stateful_step_count=40,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class Twins:
    """Both stores. A call goes to the one, then the other, and the answers must be alike."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.kinds = kinds

    def empty(self) -> None:
        for kind in self.kinds:
            kind.empty()

    def turn(self, seconds: float) -> None:
        for kind in self.kinds:
            kind.turn(seconds)

    def call(self, method: str, *args: Any, **given: Any) -> Any:
        """The answer of the first, once it is known to be that of the second."""
        one, other = [outcome(kind, method, args, given) for kind in self.kinds]
        different = difference(one, other)
        assert different is None, (method, args, given, different, one, other)
        return one

    def pages(self, query: Query, limit: int) -> list[Session]:
        """All pages of a query, each store following its own cursors."""
        one, other = [all_pages(kind, query, limit) for kind in self.kinds]
        if query.order is Order.LAST_BEAT:  # several beats of one millisecond have no order
            one, other = (sorted(each, key=lambda session: session.id) for each in (one, other))
        assert difference(one, other) is None, (query, one, other)
        return one


def outcome(kind: Kind, method: str, args: Sequence[Any], given: dict[str, Any]) -> Any:
    """The answer, or the mistake that the store finds in the call."""
    try:
        return getattr(kind.store, method)(*args, **given)
    except ValueError as error:
        return str(error)


def all_pages(kind: Kind, query: Query, limit: int) -> list[Session]:
    found: list[Session] = []
    cursor = ""
    while True:
        page = kind.store.page(query, limit=limit, cursor=cursor)
        assert len(page.sessions) <= limit
        found += page.sessions
        cursor = page.cursor
        if not cursor:
            return found


def difference(one: Any, other: Any, where: str = "answer") -> str | None:
    """Where two answers differ; names of a store's content are its own."""
    if is_dataclass(one) and type(one) is type(other):
        names = [field.name for field in fields(one) if field.name != "incarnation"]
        pairs = [(name, getattr(one, name), getattr(other, name)) for name in names]
        return first(difference(a, b, f"{where}.{name}") for name, a, b in pairs)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pieces = zip(itertools.count(), one, other, strict=False)
        return first(difference(a, b, f"{where}[{number}]") for number, a, b in pieces)
    if isinstance(one, int) and isinstance(other, int) and min(one, other) > MOMENT:
        return None if abs(one - other) < TOLERANCE_MS else f"{where}: {one - other} ms apart"
    return None if one == other else f"{where}: {one!r} is not {other!r}"


def first(found: Any) -> str | None:
    return next((each for each in found if each), None)


class StoreMachine(RuleBasedStateMachine):
    """Several workers and users; what a worker believes is whatever it was last told."""

    twins: Twins

    def __init__(self) -> None:
        super().__init__()
        self.twins.empty()
        self.numbers = itertools.count(1)
        self.sessions: dict[str, Session] = {}  # as they were last answered
        self.last: tuple[str, tuple[Any, ...], dict[str, Any]] | None = None

    def call(self, method: str, *args: Any, **given: Any) -> Any:
        self.last = (method, args, given)
        return self.twins.call(method, *args, **given)

    def some(self, data: st.DataObject) -> list[Session]:
        """Some of the sessions there ever were, as somebody remembers them."""
        known = st.sampled_from(sorted(self.sessions.values(), key=lambda session: session.id))
        return data.draw(st.lists(known, max_size=4, unique_by=lambda session: session.id))

    def remember(self, sessions: Sequence[Session]) -> None:
        self.sessions |= {session.id: session for session in sessions}

    # ------------------------------------------------------------ clients

    @rule(
        worker=st.sampled_from(WORKERS), user=st.sampled_from(USERS),
        login=st.sampled_from(LOGINS), address=st.sampled_from(ADDRESSES),
        cap=st.sampled_from([None, Cap(2, evict_oldest=True), Cap(2, evict_oldest=False)]),
    )  # fmt: skip
    def open(self, worker: str, user: str, login: str, address: str, cap: Cap | None) -> None:
        # Named in their order, so that those of one millisecond are in it as well.
        number = next(self.numbers)
        new = opening(
            f"s{number:04}", worker=worker, user=user, login=login, address=address,
            connection=f"c{number}",
        )  # fmt: skip
        if session := self.call("open", new, cap=cap):
            self.remember([session])

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), worker=st.sampled_from(WORKERS), impostor=st.booleans())
    def resume(self, data: st.DataObject, worker: str, impostor: bool) -> None:
        session = data.draw(st.sampled_from(sorted(self.sessions)))
        before = self.sessions[session]
        peer = before.peer
        back = opening(
            session, worker=worker, user=peer.user, login=peer.login, address=peer.address,
            token="a guess" if impostor else f"token of {session}",
            connection=f"c{next(self.numbers)}",
        )  # fmt: skip
        if resumed := self.call("resume", back):
            self.remember([resumed])

    # ------------------------------------------------------------ workers

    @precondition(lambda self: self.sessions)
    @rule(
        data=st.data(), worker=st.sampled_from(WORKERS), missed=st.integers(0, 2),
        suspend_lost=st.booleans(),
    )  # fmt: skip
    def beat(self, data: st.DataObject, worker: str, missed: int, suspend_lost: bool) -> None:
        number = next(self.numbers)
        pulses = [
            pulse(
                session.id, generation=session.generation, missed=missed,
                latency_ms=float(number), totals=Totals(pings=number),
            )
            for session in self.some(data)
        ]  # fmt: skip
        told = report(worker, connections=len(pulses), pings=number)
        self.remember(self.call("beat", told, pulses, suspend_lost=suspend_lost).suspended)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), worker=st.sampled_from(WORKERS), ahead=st.integers(0, 2))
    def register(self, data: st.DataObject, worker: str, ahead: int) -> None:
        known = [session for session in self.some(data) if session.worker == worker]
        registrations = [
            Registration(pulled(session, ahead), f"token of {session.id}", f"c{next(self.numbers)}")
            for session in known
        ]
        self.call("register", worker, registrations)
        self.remember([registration.session for registration in registrations])

    @precondition(lambda self: self.sessions)
    @rule(
        data=st.data(), worker=st.sampled_from(WORKERS), code=st.sampled_from(CODES),
        for_good=st.booleans(),
    )  # fmt: skip
    def depart(self, data: st.DataObject, worker: str, code: int, for_good: bool) -> None:
        leaving = [
            departure(session.id, generation=session.generation, code=code)
            for session in self.some(data)
        ]
        if for_good:
            self.remember(self.call("close", worker, leaving, worker))
        else:
            self.remember(self.call("suspend", worker, leaving))

    @rule(worker=st.sampled_from(WORKERS))
    def leave(self, worker: str) -> None:
        self.remember(self.call("leave", worker))

    # ------------------------------------------------------------ everybody

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), what=st.sampled_from(["session", "user", "login"]))
    def request_close(self, data: st.DataObject, what: str) -> None:
        code = data.draw(st.sampled_from([4008, 4500, 4503]))
        session = self.sessions[data.draw(st.sampled_from(sorted(self.sessions)))]
        peer = session.peer
        who = {"session": session.id, "user": peer.user, "login": peer.login}[what]
        self.call("request_close", **{what: who}, code=code, reason="asked")

    @rule(claimant=st.sampled_from([*WORKERS, "cron"]))
    def sweep(self, claimant: str) -> None:
        swept = self.call("sweep", claimant)
        self.remember([*swept.suspended, *swept.claimed])

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        self.call("confirm", [session.id for session in self.some(data)])

    @precondition(lambda self: self.last)
    @rule()
    def once_more(self) -> None:
        """The same call: its answer was lost."""
        assert self.last is not None
        method, args, given = self.last
        self.twins.call(method, *args, **given)

    @rule(steps=st.integers(1, 7))
    def time_passes(self, steps: int) -> None:
        self.twins.turn(steps * STEP)

    @rule()
    def the_store_is_emptied(self) -> None:
        """Seldom: most of what there is to see needs something in it."""
        if next(self.numbers) % 5 == 0:
            self.twins.empty()

    # ------------------------------------------------------------ looking

    @rule(
        user=st.sampled_from(USERS), state=st.sampled_from([None, *SessionState]),
        worker=st.sampled_from(["", *WORKERS]), address=st.sampled_from(["", *ADDRESSES]),
        prefix=st.sampled_from(["", "s", "s000"]), order=st.sampled_from(Order),
        limit=st.integers(1, 4),
    )  # fmt: skip
    def page(self, limit: int, **chosen: Any) -> None:
        self.twins.pages(Query(**chosen), limit)

    @rule()
    def look(self) -> None:
        for method in ("stats", "workers", "overdue"):
            self.twins.call(method)
        for user in USERS:
            self.twins.call("of_user", user)
        for session in self.sessions:
            self.twins.call("get", session)


def pulled(session: Session, ahead: int) -> Session:
    """The session as a worker might know it that resumed it meanwhile."""
    return replace(session, generation=session.generation + ahead, state=SessionState.CONNECTED)


@pytest.mark.django_db(transaction=True)
def test_the_same_answers(redis_server: RedisServer) -> None:
    kinds: list[Kind] = [DatabaseKind("default"), RedisKind(redis_server)]

    class Machine(StoreMachine):
        twins = Twins(kinds)

    try:
        run_state_machine_as_test(Machine, settings=PROFILE)
    finally:
        for kind in kinds:
            kind.close()
