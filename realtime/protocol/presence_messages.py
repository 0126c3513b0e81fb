"""The messages about who is present in a room, in both directions."""

import msgspec

from .base import Integer, Message

MAX_LISTED = 200  # users; of a room with more, clients get the counts only
MAX_DESCRIPTION = 1_024  # bytes of JSON


class WatchPresence(Message, frozen=True, tag="presence"):
    """Asks who is present in a room that the client has joined, from now on."""

    id: Integer
    room: str


class ListedUser(msgspec.Struct, frozen=True):
    """A user who is present, and the application's description of them: a JSON object."""

    user: str
    data: msgspec.Raw


class PresenceFrame(Message, frozen=True, tag="presence", omit_defaults=True):
    """Says how many ``sessions`` and ``users`` are present in a room. With an ``id`` it answers
    :class:`WatchPresence`; its ``list`` has all users, and is absent above MAX_LISTED.

    Without an ``id`` it is a change: of these users some have ``joined``, or have another
    description, and some have ``left``. If it has a ``list``, that replaces the client's; null says
    that there are more than MAX_LISTED.
    """

    room: str
    sessions: int
    users: int
    list: tuple[ListedUser, ...] | msgspec.UnsetType | None = msgspec.UNSET
    joined: tuple[ListedUser, ...] | msgspec.UnsetType = msgspec.UNSET
    left: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    id: int | None = None
