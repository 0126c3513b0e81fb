"""The names of rooms."""

import pytest

from realtime.protocol.rooms import is_private, is_room, room_of


@pytest.mark.parametrize("key", ["1", "5f0c-11ed", "a:b", "x" * 95])
def test_a_key_that_makes_a_name_is_in_the_name(key: str) -> None:
    assert room_of(key) == f"user:{key}"


def test_a_key_that_makes_no_name_is_replaced_by_its_digest() -> None:
    # base64.urlsafe_b64encode(hashlib.sha256(b"ann@example.com").digest())
    assert room_of("ann@example.com") == "user::cdT1X3L6Eo37RooaOQFQfIBLdDFkiHRNdp1_SxZpZHY"


def test_different_keys_have_different_rooms() -> None:
    digest = room_of("ann@example.com").removeprefix("user:")  # itself a name's end
    keys = ["a b", "é", "x" * 96, "x" * 97, "\0", "\ud800", ":", ":a", digest, "ann@example.com"]
    rooms = [room_of(key) for key in keys]
    assert len(set(rooms)) == len(keys)
    assert all(is_room(room) and is_private(room) for room in rooms)


def test_without_a_key_there_is_no_room() -> None:
    with pytest.raises(ValueError, match="expected a user with a primary key"):
        room_of("")
