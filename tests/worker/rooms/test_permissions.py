"""Permissions in rooms: the server's rules, then the application's."""

import pytest

from realtime.protocol.codes import ErrorCode
from realtime.protocol.position import Position
from realtime.worker.rooms.permissions import Permissions, Refused, private_room

LONG = "x" * 1000


class Application:
    """Allows all users rooms that begin with "open", and records the calls."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, room: str, action: str) -> bool:
        self.asked.append((room, action))
        return room.startswith("open")


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def permissions(application: Application) -> Permissions:
    return Permissions("user:1", 2, application)


def test_every_user_has_a_private_room_and_anonymous_clients_have_none() -> None:
    assert private_room("1") == "user:1"
    assert private_room("") is None


async def test_the_application_decides_about_valid_shared_rooms_only(
    permissions: Permissions, application: Application
) -> None:
    granted, refusals = await permissions.grant(
        {"user:2": None, "user:1": Position("k", 7), "no room": None, "open": None, "shut": None}
    )
    assert granted == {"user:1": Position("k", 7), "open": None}
    assert application.asked == [("open", "join"), ("shut", "join")]
    errors = [(refusal.room, refusal.code, refusal.id) for refusal in refusals]
    assert errors == [
        ("user:2", "forbidden", None),
        ("no room", "invalid_message", None),
        ("shut", "forbidden", None),
    ]


async def test_the_private_room_is_always_granted(permissions: Permissions) -> None:
    assert await permissions.grant({}) == ({"user:1": None}, [])


async def test_anonymous_users_have_no_private_room(application: Application) -> None:
    granted, refusals = await Permissions(None, 2, application).grant({"user:": None, "open": None})
    assert (list(granted), [refusal.code for refusal in refusals]) == (["open"], ["forbidden"])


async def test_the_private_room_does_not_count_against_the_limit(permissions: Permissions) -> None:
    wanted = dict.fromkeys(["open:1", "user:1", "open:2", "open:3"])
    granted, refusals = await permissions.grant(wanted)
    assert list(granted) == ["user:1", "open:1", "open:2"]
    assert [(each.room, each.code) for each in refusals] == [("open:3", "too_many_rooms")]


async def test_a_member_may_join_its_room_again_at_the_limit(permissions: Permissions) -> None:
    among = {"user:1", "open:1", "open:2"}
    await permissions.check_join("open:1", among=among)
    await permissions.check_join("user:1", among=among)
    with pytest.raises(Refused) as refused:
        await permissions.check_join("open:3", among=among)
    assert refused.value.code is ErrorCode.TOO_MANY_ROOMS


@pytest.mark.parametrize("room", ["user:1", "user:2"])
def test_private_rooms_cannot_be_left_or_published_in(permissions: Permissions, room: str) -> None:
    for check in (permissions.check_leave, permissions.check_publish):
        with pytest.raises(Refused) as refused:
            check(room)
        assert refused.value.code is ErrorCode.FORBIDDEN


def test_the_server_allows_leaving_and_publishing_in_other_rooms(permissions: Permissions) -> None:
    permissions.check_leave("shut")
    permissions.check_publish("shut")


@pytest.mark.parametrize("room", ["", "a b", LONG, "é", "a\n"])
def test_an_invalid_name_is_refused_with_the_valid_form(
    permissions: Permissions, room: str
) -> None:
    with pytest.raises(Refused, match="1 to 100 of the characters") as refused:
        permissions.check_leave(room)
    error = refused.value.to_error(room, 3)
    assert (error.code, error.id) == ("invalid_message", 3)
    assert error.room == (None if room == LONG else room)
