"""Encodes publications once per worker, for any number of members."""

from dataclasses import dataclass

import msgspec

from realtime.protocol import messages
from realtime.protocol.frames import EncodedMessage, encode_message
from realtime.store.log import LogEntry


@dataclass(frozen=True, slots=True)
class EncodedPublication:
    """A publication as all members receive it; ``size`` is that of its frame in bytes."""

    offset: int
    size: int
    encoded: EncodedMessage


def encode_publication(room: str, entry: LogEntry) -> EncodedPublication:
    """Encode an entry of this room's log."""
    publication = messages.Publication(
        room=room, offset=entry.offset, time=entry.time, data=msgspec.Raw(entry.data)
    )
    encoded = encode_message(messages.encode(publication))
    return EncodedPublication(entry.offset, len(encoded.frame), encoded)
