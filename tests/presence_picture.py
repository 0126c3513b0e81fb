"""The users in a room, as a client knows them."""

from collections.abc import Iterable, Mapping
from typing import Any


class Picture:
    """The data of each user, None while they are too many to be listed; kept as docs/protocol.md
    describes."""

    def __init__(self) -> None:
        self.users: dict[str, Any] | None = None

    def apply(self, frame: Mapping[str, Any]) -> None:
        """Take a frame ``presence``: an answer, or a change after it."""
        if "id" in frame or "list" in frame:
            listed = frame.get("list")
            self.users = None if listed is None else _data(listed)
        elif self.users is not None:
            self.users.update(_data(frame["joined"]))
            for user in frame["left"]:
                del self.users[user]


def _data(users: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {user["user"]: user["data"] for user in users}
