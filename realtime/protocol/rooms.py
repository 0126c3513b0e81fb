"""Names of rooms: which are valid, and which room is a user's private one."""

import hashlib
import re
from base64 import urlsafe_b64encode

EXPECTED = 'a room: 1 to 100 of the characters A-Z, a-z, 0-9, "_", ".", ":" and "-"'

MAX_NAME = 100

_NAME = re.compile(rf"[A-Za-z0-9_.:-]{{1,{MAX_NAME}}}")
_PRIVATE_PREFIX = "user:"
_DIGEST_PREFIX = "user::"  # no key that makes a name itself begins with a colon


def is_room(name: str) -> bool:
    """Return whether this is a valid name."""
    return bool(_NAME.fullmatch(name))


def is_private(name: str) -> bool:
    """Return whether this is a user's private room: only its user joins it, clients never
    publish in it."""
    return name.startswith(_PRIVATE_PREFIX)


def room_of(user: str) -> str:
    """Return the private room of the user with this primary key: different keys have different
    rooms. A key that makes no name, such as an e-mail address, is replaced by its digest. Raises
    ValueError for an empty key."""
    if not user:
        raise ValueError("expected a user with a primary key; anonymous users have no private room")
    name = f"{_PRIVATE_PREFIX}{user}"
    if is_room(name) and not name.startswith(_DIGEST_PREFIX):
        return name
    digest = hashlib.sha256(user.encode(errors="surrogatepass")).digest()
    return _DIGEST_PREFIX + urlsafe_b64encode(digest).rstrip(b"=").decode()
