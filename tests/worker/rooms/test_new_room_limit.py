"""The limit of new rooms per user, and which rooms are new."""

import pytest

from realtime.protocol.messages import Join
from realtime.store.log import PublishRequest
from realtime.store.records import Peer
from realtime.worker.rooms import new_room_limit
from realtime.worker.rooms.new_room_limit import NewRoomLimit, TooManyNewRooms
from tests.polling import eventually_in_loop

from ..admission.test_requests import Requester
from ..conftest import ADA, WorkerHarness
from ..fakes import Clock, FakeTransport

EVE = Peer(user="2", address=ADA.address)
ANONYMOUS, OTHER_ANONYMOUS = Peer(address="192.0.2.1"), Peer(address="192.0.2.2")
NEIGHBOURS = Peer(address="2001:db8:1:2::1"), Peer(address="2001:db8:1:2:ffff::1")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def admitted(new: NewRoomLimit, peer: Peer, *rooms: str) -> list[bool]:
    found = []
    for room in rooms:
        try:
            new.count(room, peer)
        except TooManyNewRooms:
            found.append(False)
        else:
            found.append(True)
    return found


def test_a_burst_of_new_rooms_is_allowed_then_a_rate(clock: Clock) -> None:
    new = NewRoomLimit(1.0, 2, now=clock.time)
    assert admitted(new, ADA, "a", "b", "c") == [True, True, False]
    assert admitted(new, ADA, "a", "b", "a") == [True] * 3  # counted before
    clock.turn(1)
    assert admitted(new, ADA, "c", "d") == [True, False]


def test_users_and_anonymous_addresses_have_their_own_limits(clock: Clock) -> None:
    new = NewRoomLimit(1.0, 1, now=clock.time)
    for peer in (ADA, EVE, ANONYMOUS, OTHER_ANONYMOUS):
        assert admitted(new, peer, "a", "b") == [True, False]
    assert admitted(new, Peer(user="1", address="192.0.2.9"), "c") == [False]


def test_an_ipv6_64_shares_a_limit(clock: Clock) -> None:
    """It is what one client has, who may come from another address of it each time."""
    new = NewRoomLimit(1.0, 1, now=clock.time)
    one, other = NEIGHBOURS
    assert [admitted(new, one, "a"), admitted(new, other, "b")] == [[True], [False]]
    assert admitted(new, Peer(address="2001:db8:1:3::1"), "a") == [True]


def test_the_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_room_limit, "MAX_OWNERS", 2)
    monkeypatch.setattr(new_room_limit, "MAX_ROOMS", 3)
    new = NewRoomLimit(0.001, 5, now=clock.time)
    for number in range(10):
        admitted(new, Peer(user=f"u{number}"), "a", "b")
    assert (len(new._buckets), len(new._counted)) == (2, 3)


# ---------------------------------------------------------------- where they are asked for


@pytest.fixture
def few(harness: WorkerHarness, clock: Clock) -> None:
    harness.rooms._new_rooms = NewRoomLimit(1.0, 2, now=clock.time)


async def requester_of(harness: WorkerHarness, *rooms: str) -> Requester:
    transport = FakeTransport()
    return Requester(harness, transport, await harness.admit(transport, rooms=dict.fromkeys(rooms)))


def refused(requester: Requester) -> dict[str, str]:
    """The rooms of its hello that it is not in, and why."""
    messages = requester.transport.messages
    return {each["room"]: each["code"] for each in messages if each["type"] == "error"}


async def test_a_hello_joins_allowed_new_rooms_and_gets_errors_for_the_others(
    harness: WorkerHarness, few: None
) -> None:
    requester = await requester_of(harness, "open:a", "open:b", "open:c")
    await eventually_in_loop(lambda: refused(requester) == {"open:c": "rate_limited"})
    assert requester.session.room_reader.room_names == {"user:1", "open:a", "open:b"}
    (stored,) = await harness.store.of_user("1")
    assert set(stored.rooms) == requester.session.room_reader.room_names


async def test_a_join_is_counted_and_may_be_repeated_later(
    harness: WorkerHarness, few: None, clock: Clock
) -> None:
    requester = await requester_of(harness, "open:a")
    first, second = await requester.send(Join(id=1, room="open:b"), Join(id=2, room="open:c"))
    assert (first["type"], second["code"]) == ("joined", "rate_limited")
    assert second["room"] == "open:c"
    clock.turn(1)
    (again,) = await requester.send(Join(id=3, room="open:c"))
    assert again["type"] == "joined"


async def test_existing_rooms_are_not_counted(harness: WorkerHarness, few: None) -> None:
    """Rooms with publications or members, and those that the user was in, are not new."""
    await harness.store.log.append([PublishRequest("open:log", "1")])
    first = await requester_of(harness, "open:log", "open:a", "open:b")
    second = await requester_of(harness, "open:b", "open:a")
    assert refused(first) == refused(second) == {}
    for requester in (first, second):
        requester.session.leave("open:a")
    answer, new = await second.send(Join(id=1, room="open:a"), Join(id=2, room="open:c"))
    assert (answer["type"], new["code"]) == ("joined", "rate_limited")
