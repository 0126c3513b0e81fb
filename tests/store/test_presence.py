"""The presence of rooms: of sessions, and the contract's method of that name."""

from typing import Any

import pytest
from msgspec.structs import replace

from realtime.protocol.presence_messages import MAX_LISTED
from realtime.store.contract import MAX_PRESENCES, BlockingStore
from realtime.store.database.presence_rows import PresenceRows
from realtime.store.records import RoomPresence, SessionLimit

from .builders import (
    abandoned,
    beat,
    closing,
    departure,
    end_lease,
    opened,
    opening,
    registration,
    resumed,
    returning,
    suspended,
    update,
)
from .store_fixtures import LEASE, RESUME, SILENCE, DatabaseFixture, StoreFixture

ADA, BO = '{"name":"Ada"}', '{"name":"Bo"}'
HERE = {"news": ADA}
EMPTY: tuple[int, int, dict[str, str]] = (0, 0, {})
ALONE = (1, 1, {"7": ADA})


def read(store: BlockingStore, room: str = "news", *, known: str = "") -> RoomPresence | None:
    """The presence of a room, None if it has the version that is known."""
    return store.presence({room: known}).rooms.get(room)


def present(store: BlockingStore, room: str = "news") -> tuple[int, int, dict[str, str] | None]:
    """The sessions, users and list of a room."""
    found = read(store, room)
    assert found is not None
    return found.sessions, found.users, found.listed


# ---------------------------------------------------------------- coming and going


def test_a_session_is_present_where_it_is_described(store: BlockingStore) -> None:
    store.open(opening(rooms=("chat:1", "news"), presence=HERE))
    assert (present(store), present(store, "chat:1")) == (ALONE, EMPTY)


def test_a_session_without_a_description_is_present_nowhere(store: BlockingStore) -> None:
    store.open(opening(rooms=("news",)))
    assert present(store) == EMPTY


def test_users_are_listed_once_and_anonymous_sessions_counted(store: BlockingStore) -> None:
    for number, user in enumerate(["7", "7", "8", "", ""]):
        presence = {"news": (BO if user == "8" else ADA) if user else ""}
        store.open(opening(f"s{number}", user=user, rooms=("news",), presence=presence))
    assert present(store) == (5, 2, {"7": ADA, "8": BO})
    store.close("w1", [departure("s0"), departure("s3")], "w1")
    assert present(store) == (3, 2, {"7": ADA, "8": BO})
    store.close("w1", [departure("s1")], "w1")
    assert present(store) == (2, 1, {"8": BO})


def test_of_several_descriptions_of_a_user_one_is_shown(store: BlockingStore) -> None:
    for id_, description in [("s1", ADA), ("s3", BO), ("s2", ADA)]:
        store.open(opening(id_, presence={"news": description}))
    assert present(store) == (3, 1, {"7": BO})
    store.close("w1", [departure("s3")], "w1")
    assert present(store) == (2, 1, {"7": ADA})


@pytest.mark.parametrize("user", ["7:1", "7", "ä\n:", "x" * 255])
def test_users_whose_keys_begin_alike(store: BlockingStore, user: str) -> None:
    others = ["7", "7:", "71", "1:7", "ä", "x"]
    for number, each in enumerate([user, *others]):
        store.open(opening(f"s{number}", user=each, presence={"news": f'"{number}"'}))
    _, users, listed = present(store)
    assert users == len({user, *others})
    assert listed is not None
    assert listed[others[-1]] == '"6"'
    assert set(listed) == {user, *others}


def test_a_repeated_open_changes_nothing(store: BlockingStore) -> None:
    store.open(opening(presence=HERE))
    store.open(opening(presence=HERE))
    assert present(store) == ALONE
    beat(store, "w1", update(rooms=(), presence={}))
    store.open(opening(presence=HERE))
    assert present(store) == EMPTY


def test_a_beat_reports_all_descriptions_or_none(store: BlockingStore) -> None:
    store.open(opening())
    for _ in range(2):
        beat(store, "w1", update(rooms=("chat:1", "news"), presence={"chat:1": BO, **HERE}))
        assert (present(store), present(store, "chat:1")) == (ALONE, (1, 1, {"7": BO}))
    beat(store, "w1", update(rooms=("chat:1",)))
    assert present(store) == ALONE
    beat(store, "w1", update(presence=HERE))
    assert (present(store), present(store, "chat:1")) == (ALONE, EMPTY)
    beat(store, "w1", update(rooms=(), presence={}))
    assert present(store) == EMPTY


def test_a_beat_changes_no_session_of_another_worker(store: BlockingStore) -> None:
    store.open(opening(presence=HERE))
    beat(store, "w2", update(presence={}))
    beat(store, "w1", update(presence={}, generation=0))
    assert present(store) == ALONE


# ---------------------------------------------------------------- suspension and resume


def test_a_suspended_session_stays_present_until_its_window_is_over(
    backend: StoreFixture,
) -> None:
    store = backend.store
    suspended(store, presence=HERE)
    version = _version(store)
    assert present(store) == ALONE
    backend.advance(RESUME + 1)
    store.sweep("sweeper")
    assert present(store) == EMPTY
    assert read(store, known=version) is not None


def test_the_last_descriptions_come_with_the_departure(store: BlockingStore) -> None:
    store.open(opening(presence=HERE))
    for _ in range(2):
        store.suspend("w1", [departure(rooms=("chat:1",), presence={"chat:1": BO})])
        assert (present(store), present(store, "chat:1")) == (EMPTY, (1, 1, {"7": BO}))


def test_an_abandoned_connection_keeps_what_the_store_knows(store: BlockingStore) -> None:
    store.open(opening(presence=HERE))
    store.suspend("w1", [abandoned(connection="s1, first")])
    assert present(store) == ALONE


def test_a_resume_brings_its_own_descriptions(store: BlockingStore) -> None:
    suspended(store, presence=HERE)
    for _ in range(2):
        resumed(store, returning(presence={"news": BO, "chat:1": BO}))
        assert present(store) == (1, 1, {"7": BO}) == present(store, "chat:1")
    resumed(store, returning(connection="s1, third"))
    assert present(store) == EMPTY == present(store, "chat:1")


def test_a_refused_resume_changes_nothing(store: BlockingStore) -> None:
    store.open(opening(presence=HERE))
    assert store.resume(returning(token="another", presence={})) is None
    assert present(store) == ALONE


def test_a_session_of_a_worker_that_left_stays_present(store: BlockingStore) -> None:
    store.open(opening(presence=HERE))
    beat(store, "w1")
    store.leave("w1")
    assert present(store) == ALONE


@pytest.mark.parametrize("passed", [LEASE + 1, SILENCE + 1], ids=["lost", "silent"])
def test_a_dead_session_stays_present_until_its_window_is_over(
    backend: StoreFixture, passed: float
) -> None:
    store = backend.store
    store.open(opening(presence=HERE))
    beat(store, "w1")
    backend.advance(passed)
    store.sweep("sweeper")
    assert present(store) == ALONE
    backend.advance(RESUME + 1)
    store.sweep("sweeper")
    assert present(store) == EMPTY


@pytest.mark.parametrize("now", [None, {"chat:1": BO}])
def test_a_reattached_session_is_present_as_before_or_as_it_says(
    backend: StoreFixture, now: dict[str, str] | None
) -> None:
    backend.store.open(opening(presence=HERE))
    end_lease(backend)
    backend.store.sweep("sweeper")
    beat(backend.store, "w1", update(presence=now))
    assert present(backend.store) == (EMPTY if now else ALONE)


def test_a_worker_that_stood_still_reports_the_end_of_a_session(backend: StoreFixture) -> None:
    backend.store.open(opening(presence=HERE))
    end_lease(backend)
    backend.store.sweep("sweeper")
    backend.store.suspend("w1", [departure(presence=HERE)])
    assert present(backend.store) == ALONE


# ---------------------------------------------------------------- ends


def test_a_closed_session_is_not_present(store: BlockingStore) -> None:
    store.open(opening(presence=HERE))
    store.close("w1", [departure(code=1000, presence=HERE)], "w1")
    assert present(store) == EMPTY
    store.confirm(["s1"])
    assert present(store) == EMPTY


def test_a_suspended_session_that_is_asked_to_end_leaves_with_the_sweep(
    store: BlockingStore,
) -> None:
    suspended(store, presence=HERE)
    store.request_close(session="s1", code=4500, reason="")
    store.sweep("sweeper")
    assert present(store) == EMPTY


def test_a_session_that_makes_room_for_another_is_not_present_for_long(
    store: BlockingStore,
) -> None:
    suspended(store, presence=HERE)
    store.open(opening("s2", presence=HERE), limit=SessionLimit(1, evict_oldest=True))
    assert present(store) == (2, 1, {"7": ADA})
    store.sweep("sweeper")
    assert present(store) == ALONE
    store.open(opening("s3", presence=HERE), limit=SessionLimit(1, evict_oldest=True))
    (asked,) = beat(store, "w1").inbox
    store.close("w1", [departure(asked.session, code=asked.code)], "w1")
    assert (asked.session, present(store)) == ("s2", ALONE)


def test_a_claim_that_is_taken_over_brings_no_session_back(backend: StoreFixture) -> None:
    closing(backend.store)
    backend.advance(RESUME)
    backend.store.sweep("another")
    assert present(backend.store) == EMPTY


# ---------------------------------------------------------------- put back


def test_registered_sessions_are_present_again_and_suspended_ones_gone(
    backend: StoreFixture,
) -> None:
    store = backend.store
    known = [opened(store, opening(f"s{n}", user=str(n), presence=HERE)) for n in range(3)]
    store.suspend("w1", [departure("s0")])
    backend.empty()
    assert present(store) == EMPTY
    for _ in range(2):
        store.register("w1", [replace(registration(each), presence=HERE) for each in known[1:]])
        assert present(store) == (2, 2, {"1": ADA, "2": ADA})


def test_a_registration_corrects_an_old_snapshot(store: BlockingStore) -> None:
    same = opened(store, opening("s1", presence=HERE))
    older = opened(store, opening("s2", user="8", presence=HERE))
    store.register("w1", [replace(registration(same), presence={"news": BO})])
    store.register("w1", [replace(registration(replace(older, generation=2)), presence={})])
    assert present(store) == (1, 1, {"7": BO})


def test_a_session_resumed_elsewhere_keeps_its_descriptions(store: BlockingStore) -> None:
    before = opened(store, opening(presence=HERE))
    resumed(store, returning(presence={"news": BO}))
    store.register("w1", [replace(registration(before), presence=HERE)])
    assert present(store) == (1, 1, {"7": BO})


# ---------------------------------------------------------------- reads


def _version(store: BlockingStore, room: str = "news") -> str:
    found = read(store, room)
    assert found is not None
    return found.version


def test_only_rooms_of_another_version_are_returned(store: BlockingStore) -> None:
    beat(store, "w1")
    store.open(opening(presence=HERE))
    known = {room: _version(store, room) for room in ("news", "chat:1")}
    assert store.presence(known).rooms == {}
    store.suspend("w1", [departure()])
    assert store.presence(known).rooms == {}  # it is present as before
    store.open(opening("s2", presence={"chat:1": BO}))
    assert store.presence(known).rooms.keys() == {"chat:1"}


def test_each_change_of_a_room_has_a_version_of_its_own(store: BlockingStore) -> None:
    versions = [_version(store)]
    for number in range(3):
        store.open(opening(f"s{number}", user=str(number), presence=HERE))
        versions.append(_version(store))
    beat(store, "w1", update("s0", presence={"news": BO}))
    versions.append(_version(store))
    for number in range(3):
        store.close("w1", [departure(f"s{number}")], "w1")
        versions.append(_version(store))
    assert len(set(versions[:-1])) == len(versions) - 1
    assert versions[-1] not in versions[1:-1]


def test_a_store_that_was_emptied_has_another_incarnation_and_versions(
    backend: StoreFixture,
) -> None:
    store, seen = backend.store, set()
    for _ in range(2):
        incarnation = beat(store, "w1").incarnation
        store.open(opening(presence=HERE))
        answer = store.presence({"news": ""})
        assert answer.incarnation == incarnation
        seen.add((incarnation, answer.rooms["news"].version))
        backend.empty()
        assert store.presence({"news": ""}).incarnation == ""
    assert len({incarnation for incarnation, _ in seen}) == len({v for _, v in seen}) == 2


def test_a_room_with_many_users_is_counted_only(store: BlockingStore) -> None:
    session = opened(store, opening("s", user="0", presence=HERE))
    users = [str(number) for number in range(1, MAX_LISTED + 1)]
    peers = {user: replace(session.peer, user=user) for user in users}
    many = [
        replace(
            registration(replace(session, id=f"s{user}", peer=peers[user])),
            token_hash=f"token of s{user}",
            presence=HERE,
        )
        for user in users
    ]
    store.register("w1", many[:-1])
    assert present(store) == (
        MAX_LISTED,
        MAX_LISTED,
        dict.fromkeys(sorted(["0", *users[:-1]]), ADA),
    )
    store.register("w1", many[-1:])
    assert present(store) == (MAX_LISTED + 1, MAX_LISTED + 1, None)
    store.close("w1", [departure("s1")], "w1")
    found = present(store)
    assert found[:2] == (MAX_LISTED, MAX_LISTED)
    assert found[2] is not None


def test_a_call_is_about_a_bounded_number_of_rooms(store: BlockingStore) -> None:
    rooms = {f"room{number}": "" for number in range(MAX_PRESENCES + 1)}
    assert len(store.presence(dict(list(rooms.items())[1:])).rooms) == MAX_PRESENCES
    with pytest.raises(ValueError, match="expected at most 50 rooms, not 51"):
        store.presence(rooms)
    assert store.presence({}).rooms == {}


def test_counts_and_list_are_of_one_moment(
    backend: StoreFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database is asked several times for one answer; a session that comes in between is in the
    next one. Redis is asked once."""
    store = backend.store
    store.open(opening(presence=HERE))
    listing = PresenceRows._list

    def open_first(rows: PresenceRows, *given: Any) -> Any:
        monkeypatch.setattr(PresenceRows, "_list", listing)
        late = opening("s2", user="8", presence=HERE)
        backend.at_once([lambda other: other.open(late)])
        return listing(rows, *given)

    monkeypatch.setattr(PresenceRows, "_list", open_first)
    found = read(store)
    assert found is not None
    assert (found.sessions, found.users, found.listed) == ALONE
    after = (2, 2, {"7": ADA, "8": ADA}) if isinstance(backend, DatabaseFixture) else ALONE
    assert present(store) == after
