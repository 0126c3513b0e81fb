"""The messages that workers send each other through the channel layer.

A hint makes its receivers ask the store sooner than they would anyway. It may be lost,
duplicated, late or forged: it changes nothing by itself.

A publication batch saves its receivers the read from the log, so it is signed, and receivers
ignore a batch whose signature does not match.
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

TYPE = "realtime.hint"  # Channels requires a type in every message


class HintKind(Enum):
    """The change of the sessions that a hint names."""

    CLOSING = "closing"  # a close was requested; without names: of some sessions
    RESUMED = "resumed"  # they were resumed at the sender


# The most sessions that one hint names.
MAX_SESSIONS = {HintKind.CLOSING: 100, HintKind.RESUMED: 200}

PUBLISHED = "published"  # the ``kind`` of a message that carries a publication batch


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint about these sessions, or about unnamed ones if there are none."""

    kind: HintKind
    sessions: tuple[str, ...] = ()

    def message(self) -> dict[str, Any]:
        """Return the message; any channel layer can carry it."""
        return {"type": TYPE, "kind": self.kind.value, "sessions": list(self.sessions)}


def hints_for(kind: HintKind, sessions: Iterable[str]) -> list[Hint]:
    """Return the hints that name these sessions; a single one without names if there are too
    many CLOSING sessions for one hint."""
    remaining = iter(sessions)
    chunks = list(iter(lambda: tuple(islice(remaining, MAX_SESSIONS[kind])), ()))
    if kind is HintKind.CLOSING and len(chunks) > 1:
        return [Hint(kind)]
    return [Hint(kind, chunk) for chunk in chunks]


def parse_message(message: object, signer: Signer) -> Hint | PublicationBatch | None:
    """Return the hint or batch in a message, None if it is malformed or wrongly signed."""
    if not isinstance(message, dict) or message.get("type") != TYPE:
        return None
    kind = message.get("kind")
    if kind == PUBLISHED:
        return _parse_batch(message, signer)
    return _parse_hint(kind, message.get("sessions"))


def _parse_hint(name: object, named: object) -> Hint | None:
    kinds = {kind.value: kind for kind in HintKind}
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        return None
    sessions = _parse_sessions(named, limit=MAX_SESSIONS[kind])
    if sessions is None or (not sessions and kind is not HintKind.CLOSING):
        return None
    return Hint(kind, sessions)


def _parse_sessions(value: object, *, limit: int) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or len(value) > limit:
        return None
    return tuple(value) if all(isinstance(item, str) for item in value) else None


# ---------------------------------------------------------------- publications


class _SignedEntry(msgspec.Struct, frozen=True, array_like=True):
    """An entry in the signed text. Later releases may append fields, here and below."""

    offset: int
    time: int
    data: msgspec.Raw


class _SignedBatch(msgspec.Struct, frozen=True, array_like=True):
    """A batch in the signed text."""

    room: str
    epoch: str
    top: int
    entries: list[_SignedEntry]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_SignedBatch)


def batch_message(batch: PublicationBatch, signer: Signer) -> dict[str, Any]:
    """Return the message that carries a batch: one text, so that one signature covers it all."""
    entries = [
        _SignedEntry(each.offset, each.time, msgspec.Raw(each.data)) for each in batch.entries
    ]
    text = _encoder.encode(_SignedBatch(batch.room, batch.epoch, batch.top, entries)).decode()
    return {"type": TYPE, "kind": PUBLISHED, "text": text, "seal": signer.sign(text)}


def _parse_batch(message: dict[Any, Any], signer: Signer) -> PublicationBatch | None:
    text, signature = message.get("text"), message.get("seal")
    if not isinstance(text, str) or not isinstance(signature, str):
        return None
    if not signer.verify(text, signature):
        return None
    try:
        signed = _decoder.decode(text)
    except msgspec.DecodeError:  # signed by another version of this code
        return None
    entries = (
        LogEntry(each.offset, each.time, bytes(each.data).decode()) for each in signed.entries
    )
    return PublicationBatch(signed.room, signed.epoch, signed.top, tuple(entries))


# ---------------------------------------------------------------- groups


def workers_group_name(prefix: str) -> str:
    """Return the name of the channel layer group of all workers with this store prefix. It is
    hashed: a prefix may be too long for a group name, or have characters it may not have."""
    return _hashed(f"{prefix}:workers")


def room_group_name(prefix: str, room: str) -> str:
    """Return the name of the group of the workers that have members in this room."""
    return _hashed(f"{prefix}:room:{room}")


def _hashed(name: str) -> str:
    return "realtime." + hashlib.sha256(name.encode()).hexdigest()[:32]
