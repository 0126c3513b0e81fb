"""Names of rooms: which are valid, and which room is a user's private one."""

import re

EXPECTED = 'a room: 1 to 100 of the characters A-Z, a-z, 0-9, "_", ".", ":" and "-"'

MAX_NAME = 100

_NAME = re.compile(rf"[A-Za-z0-9_.:-]{{1,{MAX_NAME}}}")
_PRIVATE_PREFIX = "user:"


def is_room(name: str) -> bool:
    """Return whether this is a valid name."""
    return bool(_NAME.fullmatch(name))


def is_private(name: str) -> bool:
    """Return whether this is a user's private room: only its user joins it, clients never
    publish in it."""
    return name.startswith(_PRIVATE_PREFIX)


def room_of(user: str) -> str:
    """Return the private room of the user with this primary key. Raises ValueError for a key that
    cannot be part of a room's name."""
    name = f"{_PRIVATE_PREFIX}{user}"
    if not user or not is_room(name):
        raise ValueError(f"expected a primary key that can be part of a room's name, not {user!r}")
    return name
