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


def presence_after(before: Presence | None, frame: Frame) -> Presence:
    """Return the picture after a ``presence`` frame: an answer has the whole list; a change has it
    where the room begins or ends to be listed."""
    old = before.list if before else None
    if "joined" not in frame:
        new = _users(frame.get("list"))
        gone = _missing(old, new)
        return _picture(frame, new, _missing(new, old), [one.user for one in gone])
    joined = _users(frame["joined"]) or ()
    if "list" in frame:
        new = _users(frame["list"])
    else:
        new = None if old is None else _changed(old, joined, frame["left"])
    return _picture(frame, new, joined, frame["left"])


def _picture(
    frame: Frame,
    users: tuple[PresentUser, ...] | None,
    joined: Iterable[PresentUser],
    left: Iterable[str],
) -> Presence:
    return Presence(frame["sessions"], frame["users"], users, tuple(joined), tuple(left))


def _users(entries: list[Frame] | None) -> tuple[PresentUser, ...] | None:
    if entries is None:
        return None
    return tuple(PresentUser(entry["user"], entry["data"]) for entry in entries)


def _missing(
    users: tuple[PresentUser, ...] | None, others: tuple[PresentUser, ...] | None
) -> tuple[PresentUser, ...]:
    """Return the users of one list that the other has not; none if one of them is not known."""
    if users is None or others is None:
        return ()
    known = {other.user for other in others}
    return tuple(one for one in users if one.user not in known)


def _changed(
    old: tuple[PresentUser, ...], joined: tuple[PresentUser, ...], left: list[str]
) -> tuple[PresentUser, ...]:
    changed = {*left, *(one.user for one in joined)}
    kept = (one for one in old if one.user not in changed)
    return tuple(sorted((*kept, *joined), key=lambda one: one.user))
