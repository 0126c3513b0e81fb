"""What workers tell each other through the channel layer, so that things happen sooner.

A hint may be lost, doubled, late or forged, and changes nothing by itself: whoever
receives one asks the store sooner than it would have anyway.

A bundle of publications travels the same way. It saves who gets it the look into the log, so
it is sealed: what was forged reaches nobody.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

import msgspec

from realtime.store.log import LogEntry

from .publication_batches import PublicationBatch
from .signing import Signer

TYPE = "realtime.hint"  # Channels wants every message to have a type


class HintKind(Enum):
    """What a hint is about; its sessions are those that..."""

    CLOSING = "closing"  # somebody asked to close; without any, everybody shall look
    RESUMED = "resumed"  # were resumed at the sender


# A hint names at most so many sessions.
MOST = {HintKind.CLOSING: 100, HintKind.RESUMED: 200}

PUBLISHED = "published"  # what stands for a kind in a bundle's message


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint, about these sessions; about everybody's if there are none."""

    kind: HintKind
    sessions: tuple[str, ...] = ()

    def message(self) -> dict[str, Any]:
        """As it travels: what any channel layer can carry."""
        return {"type": TYPE, "kind": self.kind.value, "sessions": list(self.sessions)}


def about(kind: HintKind, sessions: Iterable[str]) -> list[Hint]:
    """The hints that tell of these sessions; one that is about everybody if they are too
    many to be named as closing."""
    waiting = iter(sessions)
    pieces = list(iter(lambda: tuple(islice(waiting, MOST[kind])), ()))
    if kind is HintKind.CLOSING and len(pieces) > 1:
        return [Hint(kind)]
    return [Hint(kind, piece) for piece in pieces]


def understand(message: object, seals: Signer) -> Hint | PublicationBatch | None:
    """What a message of the channel layer tells; None for whatever is not exactly a hint or a
    bundle with its seal."""
    if not isinstance(message, dict) or message.get("type") != TYPE:
        return None
    name = message.get("kind")
    return _bundle(message, seals) if name == PUBLISHED else _hint(name, message.get("sessions"))


def _hint(name: object, named: object) -> Hint | None:
    kinds = {kind.value: kind for kind in HintKind}
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        return None
    sessions = _sessions(named, most=MOST[kind])
    if sessions is None or (not sessions and kind is not HintKind.CLOSING):
        return None
    return Hint(kind, sessions)


def _sessions(value: object, *, most: int) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or len(value) > most:
        return None
    return tuple(value) if all(isinstance(item, str) for item in value) else None


# ---------------------------------------------------------------- publications


class _Published(msgspec.Struct, frozen=True, array_like=True):
    """An entry as it is written. A later release may write more behind it, here and below."""

    offset: int
    time: int
    data: msgspec.Raw


class _Told(msgspec.Struct, frozen=True, array_like=True):
    """A bundle as it is written."""

    room: str
    epoch: str
    top: int
    entries: list[_Published]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Told)


def message_of(bundle: PublicationBatch, seals: Signer) -> dict[str, Any]:
    """A bundle as it travels. All of it is one text, so that one seal is for all of it."""
    entries = [
        _Published(each.offset, each.time, msgspec.Raw(each.data)) for each in bundle.entries
    ]
    text = _encoder.encode(_Told(bundle.room, bundle.epoch, bundle.top, entries)).decode()
    return {"type": TYPE, "kind": PUBLISHED, "text": text, "seal": seals.seal(text)}


def _bundle(message: dict[Any, Any], seals: Signer) -> PublicationBatch | None:
    text, seal = message.get("text"), message.get("seal")
    if not isinstance(text, str) or not isinstance(seal, str) or not seals.fits(text, seal):
        return None
    try:
        told = _decoder.decode(text)
    except msgspec.DecodeError:  # sealed by another version of this
        return None
    entries = (LogEntry(each.offset, each.time, bytes(each.data).decode()) for each in told.entries)
    return PublicationBatch(told.room, told.epoch, told.top, tuple(entries))


# ---------------------------------------------------------------- groups


def group_of(prefix: str) -> str:
    """The group of all workers that share a registry with this prefix.

    Hashed, because a prefix may be longer than a group's name and hold what one may not.
    """
    return _group(f"{prefix}:workers")


def group_of_room(prefix: str, room: str) -> str:
    """The group of those workers that somebody of this room is connected to."""
    return _group(f"{prefix}:room:{room}")


def _group(name: str) -> str:
    return "realtime." + hashlib.sha256(name.encode()).hexdigest()[:32]
