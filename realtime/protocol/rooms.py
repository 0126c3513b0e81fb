"""Rooms by their names: what a name may be, and which room is a user's own."""

import re

EXPECTED = 'a room: 1 to 100 of the characters A-Z, a-z, 0-9, "_", ".", ":" and "-"'

MAX_NAME = 100

_NAME = re.compile(rf"[A-Za-z0-9_.:-]{{1,{MAX_NAME}}}")
_OWN = "user:"


def is_room(name: str) -> bool:
    """Whether a room can have this name."""
    return bool(_NAME.fullmatch(name))


def is_private(name: str) -> bool:
    """Whether it is the room of a user: the server alone lets that user in, and nobody else,
    and clients never publish there."""
    return name.startswith(_OWN)


def room_of(user: str) -> str:
    """The private room of a user, by primary key.

    Raises ValueError for a key that cannot be part of a room's name.
    """
    name = f"{_OWN}{user}"
    if not user or not is_room(name):
        raise ValueError(f"expected a primary key that can be part of a room's name, not {user!r}")
    return name
