"""``open`` with a cap where many come at one moment."""

from functools import partial

from realtime.store.base import BlockingStore
from realtime.store.records import Cap, Opening, Session

from .builders import beat, departure, ids, opening
from .kinds import Kind
from .test_limits import OLDEST, REJECT, TOO_MANY, asked, fill


def opens(sessions: list[str], cap: Cap) -> list[partial[Session | None]]:
    openings: list[Opening] = [opening(id_) for id_ in sessions]
    return [partial(_open, opening=each, cap=cap) for each in openings]


def _open(store: BlockingStore, *, opening: Opening, cap: Cap) -> Session | None:
    return store.open(opening, cap=cap)


def test_of_those_who_come_at_once_as_many_as_may_come_in(kind: Kind) -> None:
    beat(kind.store)
    answers = kind.at_once(opens([f"s{number}" for number in range(8)], REJECT))
    admitted = sorted(session.id for session in answers if session)
    assert len(admitted) == REJECT.limit
    assert sorted(ids(kind.store.of_user("7"))) == admitted
    assert asked(kind.store) == {}


def test_of_those_who_come_at_once_the_newest_stay(kind: Kind) -> None:
    fill(kind, "first", "second")
    answers = kind.at_once(opens([f"s{number}" for number in range(8)], OLDEST))
    assert None not in answers
    gone = asked(kind.store)
    stay = set(ids(kind.store.of_user("7"))) - gone.keys()
    assert len(stay) == OLDEST.limit
    assert set(gone.values()) == {TOO_MANY}
    assert {"first", "second"} <= gone.keys()


def test_a_user_without_a_session_comes_in_once_where_one_is_the_limit(kind: Kind) -> None:
    beat(kind.store)
    cap = Cap(limit=1, evict_oldest=False)
    for round_ in range(5):
        answers = kind.at_once(opens([f"{round_}, {number}" for number in range(4)], cap))
        (session,) = [session for session in answers if session]
        kind.store.close("w1", [departure(session.id, code=1000)], "w1")
