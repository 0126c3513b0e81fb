"""Publications, ready to be handed to any number of members."""

from dataclasses import dataclass

import msgspec

from realtime.protocol import messages
from realtime.protocol.frames import Encoded, encoded
from realtime.store.log import Entry


@dataclass(frozen=True, slots=True)
class Published:
    """One publication as every member is sent it; ``size`` is that of its frame in bytes."""

    offset: int
    size: int
    encoded: Encoded


def published(room: str, entry: Entry) -> Published:
    """Encode an entry of this room's log, once per worker."""
    publication = messages.Publication(
        room=room, offset=entry.offset, time=entry.time, data=msgspec.Raw(entry.data)
    )
    frame = encoded(messages.encode(publication))
    return Published(entry.offset, len(frame.frame), frame)
