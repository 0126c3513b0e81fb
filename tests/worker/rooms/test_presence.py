"""Presence for the clients that watch a room: one picture for all of a worker."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from realtime.store.contract import MAX_PRESENCES, StoreUnavailable
from realtime.store.records import PresenceAnswer, RoomPresence
from realtime.worker.rooms.presence import INTERVAL, SENDS_PER_TURN, Presences, change_of
from realtime.worker.rooms.room import Member

from ..fakes import Clock, FakeTransport, connect, settled

EMPTY = RoomPresence("of an empty room", 0, 0, {})
ADA, BO = '{"name":"Ada"}', '{"name":"Bo"}'


class FakeStore:
    """The presence of rooms; each change of a room counts up its version."""

    def __init__(self) -> None:
        self.incarnation = "one"
        self.rooms: dict[str, RoomPresence] = {}
        self.calls: list[dict[str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.down = False

    def put(self, room: str, listed: dict[str, str] | None, *, sessions: int = 0) -> None:
        version = f"{self.incarnation}:{len(self.calls)}:{listed}:{sessions}"
        users = 201 if listed is None else len(listed)
        self.rooms[room] = RoomPresence(version, sessions or users, users, listed)

    async def presence(self, rooms: Mapping[str, str]) -> PresenceAnswer:
        self.calls.append(dict(rooms))
        answer = {
            room: found
            for room, known in rooms.items()
            if (found := self.rooms.get(room, EMPTY)).version != known
        }
        incarnation = self.incarnation
        await self.gate.wait()
        if self.down:
            raise StoreUnavailable("down")
        return PresenceAnswer(incarnation, answer)


class Watcher:
    """A member of rooms, and what its connection has got."""

    def __init__(self, presences: Presences) -> None:
        self.presences = presences
        self.member = cast(Member, self)
        self.transport = FakeTransport()
        self.connection = connect(self.transport)

    async def ask(self, room: str = "news", *, id: int = 1) -> None:
        prepared = await self.presences.prepare(room)
        self.presences.watch(room, self.member, self.connection, prepared=prepared, id=id)

    @property
    def last(self) -> dict[str, Any]:
        return self.transport.messages[-1]

    @property
    def count(self) -> int:
        return len(self.transport.messages)


@pytest.fixture
async def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def presences(store: FakeStore, clock: Clock) -> Presences:
    presences = Presences(store.presence)
    presences._loop = cast(Any, clock)
    presences.settled = lambda: "one"
    return presences


async def turn(presences: Presences, clock: Clock, seconds: float = INTERVAL) -> None:
    clock.now += seconds
    await presences.poll()
    await settled()


async def test_an_answer_and_the_changes_after_it(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    store.put("news", {"7": ADA}, sessions=3)
    watcher = Watcher(presences)
    await watcher.ask(id=5)
    await settled()
    head = {"type": "presence", "room": "news"}
    ada = {"user": "7", "data": {"name": "Ada"}}
    assert watcher.last == {**head, "sessions": 3, "users": 1, "list": [ada], "id": 5}
    store.put("news", {"8": BO})
    await turn(presences, clock)
    bo = {"user": "8", "data": {"name": "Bo"}}
    assert watcher.last == {**head, "sessions": 1, "users": 1, "joined": [bo], "left": ["7"]}
    await turn(presences, clock)
    assert watcher.count == 2  # nothing has changed since


async def test_one_read_serves_all_watchers_of_a_room(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    watchers = [Watcher(presences) for _ in range(10)]
    await asyncio.gather(*(watcher.ask() for watcher in watchers))
    await watchers[0].ask(id=2)
    assert store.calls == [{"news": ""}]
    store.put("news", {"7": ADA})
    for _ in range(4):
        await turn(presences, clock, INTERVAL / 4)
    assert store.calls == [{"news": ""}, {"news": EMPTY.version}]
    assert [watcher.count for watcher in watchers] == [3] + [2] * 9


async def test_a_room_is_read_once_in_an_interval(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    watcher = Watcher(presences)
    await watcher.ask()
    for number in range(20):
        store.put("news", {str(number): ADA})
        await turn(presences, clock, INTERVAL / 4)
    await settled()
    assert (len(store.calls), watcher.count) == (6, 6)


async def test_a_read_that_takes_long_delays_the_next(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    watcher = Watcher(presences)
    await watcher.ask()
    clock.now += INTERVAL
    store.gate.clear()
    store.put("news", {"7": ADA})
    poll = asyncio.create_task(presences.poll())
    await settled()
    clock.now += 3 * INTERVAL
    store.gate.set()
    await poll
    store.put("news", {"8": ADA})
    await turn(presences, clock, INTERVAL * 0.9)
    assert watcher.count == 2
    await turn(presences, clock, INTERVAL * 0.1)
    assert watcher.count == 3


async def test_a_later_watcher_gets_the_picture_that_changes_follow(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    store.put("news", {"7": ADA})
    early, late = Watcher(presences), Watcher(presences)
    await early.ask()
    store.put("news", {"7": ADA, "8": BO})
    await late.ask()
    await settled()
    assert [user["user"] for user in late.last["list"]] == ["7"]
    await turn(presences, clock)
    assert early.last == late.last
    assert [user["user"] for user in late.last["joined"]] == ["8"]


async def test_who_leaves_gets_no_more_changes_and_an_empty_room_is_not_read(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    one, two = Watcher(presences), Watcher(presences)
    await one.ask()
    await two.ask()
    presences.forget(one.member, "news")
    store.put("news", {"7": ADA})
    await turn(presences, clock)
    assert (one.count, two.count) == (1, 2)
    presences.forget(two.member, "news")
    presences.forget(two.member, "news")
    presences.forget(two.member, "other")
    await turn(presences, clock)
    assert len(store.calls) == 2
    await two.ask()
    await settled()
    assert [user["user"] for user in two.last["list"]] == ["7"]


async def test_a_room_that_is_watched_anew_keeps_its_newer_picture(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    watcher = Watcher(presences)
    await watcher.ask()
    clock.now += INTERVAL
    store.put("news", {"7": ADA})
    store.gate.clear()
    poll = asyncio.create_task(presences.poll())
    await settled()
    presences.forget(watcher.member, "news")
    store.put("news", {"7": ADA, "8": BO})
    again = asyncio.create_task(watcher.ask(id=2))
    store.gate.set()
    await asyncio.gather(poll, again)
    await settled()
    assert watcher.count == 2
    assert [user["user"] for user in watcher.last["list"]] == ["7", "8"]


async def test_a_large_room_is_counted_and_listed_again_when_it_shrinks(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    store.put("news", {"7": ADA})
    watcher = Watcher(presences)
    await watcher.ask()
    store.put("news", None, sessions=900)
    await turn(presences, clock)
    assert (watcher.last["list"], watcher.last["users"]) == (None, 201)
    assert (watcher.last["joined"], watcher.last["left"]) == ([], [])
    other = Watcher(presences)
    await other.ask()
    await settled()
    assert "list" not in other.last
    store.put("news", {"8": BO})
    await turn(presences, clock)
    assert watcher.last == other.last
    assert watcher.last["list"] == [{"user": "8", "data": {"name": "Bo"}}]


async def test_nothing_is_read_while_the_store_is_not_settled(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    store.put("news", {"7": ADA})
    watcher = Watcher(presences)
    await watcher.ask()
    presences.settled = lambda: None
    store.put("news", {})
    await turn(presences, clock)
    assert (len(store.calls), watcher.count) == (1, 1)


@pytest.mark.parametrize("answers", [[None], ["two"], ["one", "two"], ["one", None]])
async def test_a_first_picture_waits_for_a_store_that_is_settled(
    presences: Presences, store: FakeStore, clock: Clock, answers: list[str | None]
) -> None:
    """It would be wrong for a whole lease, because it follows the store no sooner."""
    watcher, now = Watcher(presences), iter(answers)
    presences.settled = lambda: next(now)
    with pytest.raises(StoreUnavailable, match="may lack sessions"):
        await watcher.ask()
    presences.settled = lambda: "one"
    store.put("news", {"7": ADA})
    await watcher.ask()
    await settled()
    assert watcher.last["users"] == watcher.count == 1


@pytest.mark.parametrize("moment", ["before the beat", "during the read"])
async def test_a_store_that_was_emptied_says_nothing_until_it_is_settled(
    presences: Presences, store: FakeStore, clock: Clock, moment: str
) -> None:
    store.put("news", {"7": ADA})
    watcher = Watcher(presences)
    await watcher.ask()
    answers = iter(["one", "two"])
    if moment == "before the beat":
        store.incarnation = ""
    else:
        presences.settled = lambda: next(answers)
    store.put("news", {})
    await turn(presences, clock)
    assert watcher.count == 1
    store.incarnation = "two"
    presences.settled = lambda: "two"
    store.put("news", {"7": ADA})
    await turn(presences, clock)
    assert watcher.count == 1  # it has the same sessions again
    store.put("news", {"8": ADA})
    await turn(presences, clock)
    assert watcher.last["left"] == ["7"]


async def test_many_rooms_are_read_in_batches(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    rooms = [f"r{number}" for number in range(MAX_PRESENCES + 1)]
    watcher = Watcher(presences)
    await asyncio.gather(*(watcher.ask(room) for room in rooms))
    assert sorted(map(len, store.calls)) == [1, MAX_PRESENCES]
    await turn(presences, clock)
    assert sorted(map(len, store.calls[2:])) == [1, MAX_PRESENCES]


async def test_a_store_that_is_away_is_reported_and_read_again(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    watcher = Watcher(presences)
    store.down = True
    with pytest.raises(StoreUnavailable):
        await watcher.ask()
    store.down = False
    await watcher.ask()
    store.down = True
    clock.now += INTERVAL
    store.put("news", {"7": ADA})
    with pytest.raises(StoreUnavailable):
        await presences.poll()
    store.down = False
    await turn(presences, clock, 0)
    assert watcher.last["users"] == 1


async def test_a_change_for_many_is_sent_in_slices(
    presences: Presences, store: FakeStore, clock: Clock
) -> None:
    watchers = [Watcher(presences) for _ in range(2 * SENDS_PER_TURN + 1)]
    for watcher in watchers:
        await watcher.ask()
    store.put("news", {"7": ADA})
    clock.now += INTERVAL
    poll = asyncio.create_task(presences.poll())
    last = watchers[-1]
    await asyncio.sleep(0)
    presences.forget(last.member, "news")
    await poll
    await settled()
    assert {watcher.count for watcher in watchers[:-1]} == {2}
    assert last.count == 1


async def test_reads_under_way_end_with_the_worker(presences: Presences, store: FakeStore) -> None:
    store.gate.clear()
    asking = asyncio.create_task(Watcher(presences).ask())
    await settled()
    await presences.stop()
    with pytest.raises(StoreUnavailable):
        await asking


def picture(listed: dict[str, str] | None, sessions: int = 1) -> RoomPresence:
    return RoomPresence("", sessions, 201 if listed is None else len(listed), listed)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (picture({"7": ADA}), picture({"7": ADA})),
        (picture({}), picture({})),
        (picture(None), picture(None)),
    ],
)
def test_equal_pictures_are_no_change(before: RoomPresence, after: RoomPresence) -> None:
    assert change_of("news", before, after) is None


def test_a_change_has_what_is_new() -> None:
    before, after = picture({"7": ADA, "8": ADA}), picture({"8": BO, "9": ADA})
    change = change_of("news", before, after)
    assert change is not None
    assert isinstance(change.joined, tuple)
    assert [(user.user, bytes(user.data).decode()) for user in change.joined] == [
        ("8", BO),
        ("9", ADA),
    ]
    assert change.left == ("7",)
    counts = change_of("news", picture({"7": ADA}, 1), picture({"7": ADA}, 2))
    assert counts is not None
    assert (counts.sessions, counts.joined, counts.left) == (2, (), ())
