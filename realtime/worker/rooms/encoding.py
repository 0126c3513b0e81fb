"""Publications, ready to be handed to any number of members."""

from dataclasses import dataclass

import msgspec

from realtime.protocol import messages
from realtime.protocol.frames import Encoded, encoded
from realtime.store.log import LogEntry


@dataclass(frozen=True, slots=True)
class EncodedPublication:
    """One publication as every member is sent it; ``size`` is that of its frame in bytes."""

    offset: int
    size: int
    encoded: Encoded


def encode_publication(room: str, entry: LogEntry) -> EncodedPublication:
    """Encode an entry of this room's log, once per worker."""
    publication = messages.Publication(
        room=room, offset=entry.offset, time=entry.time, data=msgspec.Raw(entry.data)
    )
    frame = encoded(messages.encode(publication))
    return EncodedPublication(entry.offset, len(frame.frame), frame)
