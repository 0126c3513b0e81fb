"""What workers tell each other through the channel layer, so that things happen sooner.

A hint may be lost, doubled, late or forged, and changes nothing by itself: whoever
receives one asks the store sooner than it would have anyway.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

TYPE = "realtime.hint"  # Channels wants every message to have a type


class Kind(Enum):
    """What a hint is about; its sessions are those that..."""

    CLOSING = "closing"  # somebody asked to close; without any, everybody shall look
    RESUMED = "resumed"  # were resumed at the sender


# A hint names at most so many sessions.
MOST = {Kind.CLOSING: 100, Kind.RESUMED: 200}


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint, about these sessions; about everybody's if there are none."""

    kind: Kind
    sessions: tuple[str, ...] = ()

    def message(self) -> dict[str, Any]:
        """As it travels: what any channel layer can carry."""
        return {"type": TYPE, "kind": self.kind.value, "sessions": list(self.sessions)}


def about(kind: Kind, sessions: Iterable[str]) -> list[Hint]:
    """The hints that tell of these sessions; one that is about everybody if they are too
    many to be named as closing."""
    waiting = iter(sessions)
    pieces = list(iter(lambda: tuple(islice(waiting, MOST[kind])), ()))
    if kind is Kind.CLOSING and len(pieces) > 1:
        return [Hint(kind)]
    return [Hint(kind, piece) for piece in pieces]


def understand(message: object) -> Hint | None:
    """The hint in a message of the channel layer; None for whatever is not exactly one."""
    if not isinstance(message, dict) or message.get("type") != TYPE:
        return None
    kinds = {kind.value: kind for kind in Kind}
    name = message.get("kind")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        return None
    sessions = _sessions(message.get("sessions"), most=MOST[kind])
    if sessions is None or (not sessions and kind is not Kind.CLOSING):
        return None
    return Hint(kind, sessions)


def _sessions(value: object, *, most: int) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or len(value) > most:
        return None
    return tuple(value) if all(isinstance(item, str) for item in value) else None


def group_of(prefix: str) -> str:
    """The group of all workers that share a registry with this prefix.

    Hashed, because a prefix may be longer than a group's name and hold what one may not.
    """
    return "realtime." + hashlib.sha256(f"{prefix}:workers".encode()).hexdigest()[:32]
