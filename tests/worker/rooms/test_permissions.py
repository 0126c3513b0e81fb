"""Who may do what in which room, before the application is asked and after."""

import pytest

from realtime.protocol.codes import ErrorCode
from realtime.protocol.position import Position
from realtime.worker.rooms.permissions import Permissions, Refused, private_room

LONG = "x" * 1000


class Application:
    """Lets everybody into rooms that begin with "open", and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, room: str, action: str) -> bool:
        self.asked.append((room, action))
        return room.startswith("open")


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def rights(application: Application) -> Permissions:
    return Permissions("user:1", 2, application)


@pytest.mark.parametrize("user", ["", "a b", "é", "x" * 100])
def test_who_has_no_private_room(user: str) -> None:
    assert private_room(user) is None


@pytest.mark.parametrize("user", ["1", "5f0c-11ed"])
def test_who_has_one(user: str) -> None:
    assert private_room(user) == f"user:{user}"


async def test_the_application_is_asked_about_its_own_rooms_only(
    rights: Permissions, application: Application
) -> None:
    granted, refusals = await rights.grant(
        {"user:2": None, "user:1": Position("k", 7), "no room": None, "open": None, "shut": None}
    )
    assert granted == {"user:1": Position("k", 7), "open": None}
    assert application.asked == [("open", "join"), ("shut", "join")]
    told = [(refusal.room, refusal.code, refusal.id) for refusal in refusals]
    assert told == [
        ("user:2", "forbidden", None),
        ("no room", "invalid_message", None),
        ("shut", "forbidden", None),
    ]


async def test_the_private_room_is_there_unasked(rights: Permissions) -> None:
    assert await rights.grant({}) == ({"user:1": None}, [])


async def test_nobody_has_no_private_room(application: Application) -> None:
    granted, refusals = await Permissions(None, 2, application).grant({"user:": None, "open": None})
    assert (list(granted), [refusal.code for refusal in refusals]) == (["open"], ["forbidden"])


async def test_the_private_room_does_not_count(rights: Permissions) -> None:
    wanted = dict.fromkeys(["open:1", "user:1", "open:2", "open:3"])
    granted, refusals = await rights.grant(wanted)
    assert list(granted) == ["user:1", "open:1", "open:2"]
    assert [(each.room, each.code) for each in refusals] == [("open:3", "too_many_rooms")]


async def test_who_is_in_a_room_may_join_it_again(rights: Permissions) -> None:
    among = {"user:1", "open:1", "open:2"}
    await rights.check_join("open:1", among=among)
    await rights.check_join("user:1", among=among)
    with pytest.raises(Refused) as refused:
        await rights.check_join("open:3", among=among)
    assert refused.value.code is ErrorCode.TOO_MANY_ROOMS


@pytest.mark.parametrize("room", ["user:1", "user:2"])
def test_nobody_leaves_or_publishes_where_the_server_rules(rights: Permissions, room: str) -> None:
    for ask in (rights.check_leave, rights.check_publish):
        with pytest.raises(Refused) as refused:
            ask(room)
        assert refused.value.code is ErrorCode.FORBIDDEN


def test_elsewhere_they_may_as_far_as_the_server_goes(rights: Permissions) -> None:
    rights.check_leave("shut")
    rights.check_publish("shut")


@pytest.mark.parametrize("room", ["", "a b", LONG, "é", "a\n"])
def test_what_is_no_room_is_said_and_what_one_is(rights: Permissions, room: str) -> None:
    with pytest.raises(Refused, match="1 to 100 of the characters") as refused:
        rights.check_leave(room)
    error = refused.value.to_error(room, 3)
    assert (error.code, error.id) == ("invalid_message", 3)
    assert error.room == (None if room == LONG else room)
