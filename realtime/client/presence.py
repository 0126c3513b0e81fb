"""The users in a room: a whole picture first, then the changes of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PresentUser:
    """A user in a room: the primary key as text, and the application's description."""

    user: str
    data: Any


@dataclass(frozen=True, slots=True)
class Presence:
    """The users in a room, and the number of its sessions, those of anonymous clients included.

    ``list`` is sorted by ``user``, and None where they are more than the server lists (200).
    ``joined`` and ``left``, the latter as keys, are the changes since the picture before; a user
    who is described anew has joined once more.
    """

    sessions: int
    users: int
    list: tuple[PresentUser, ...] | None
    joined: tuple[PresentUser, ...] = ()
    left: tuple[str, ...] = ()


Users = tuple[PresentUser, ...]


def presence_after(before: Presence | None, frame: Frame) -> Presence:
    """Return the picture after a ``presence`` frame: an answer has the whole list; a change has it
    where the room begins or ends to be listed."""
    old = before.list if before else None
    if "joined" not in frame:
        new = _users(frame.get("list"))
        return _picture(frame, new, _joined(old, new), _left(old, new))
    joined = _users(frame["joined"]) or ()
    if "list" in frame:
        new = _users(frame["list"])
    else:
        new = None if old is None else _changed(old, joined, frame["left"])
    return _picture(frame, new, joined, frame["left"])


def _picture(
    frame: Frame,
    users: Users | None,
    joined: Iterable[PresentUser],
    left: Iterable[str],
) -> Presence:
    return Presence(frame["sessions"], frame["users"], users, tuple(joined), tuple(left))


def _users(entries: list[Frame] | None) -> Users | None:
    if entries is None:
        return None
    return tuple(PresentUser(entry["user"], entry["data"]) for entry in entries)


def _joined(old: Users | None, new: Users | None) -> Users:
    """Return the users who have come or are described anew; none if a list is not known."""
    if old is None or new is None:
        return ()
    known = {one.user: one for one in old}
    return tuple(one for one in new if known.get(one.user) != one)


def _left(old: Users | None, new: Users | None) -> list[str]:
    """Return the keys of the users who have gone; none if a list is not known."""
    if old is None or new is None:
        return []
    return sorted({one.user for one in old} - {one.user for one in new})


def _changed(old: Users, joined: Users, left: list[str]) -> Users:
    changed = {*left, *(one.user for one in joined)}
    kept = (one for one in old if one.user not in changed)
    return tuple(sorted((*kept, *joined), key=lambda one: one.user))
