"""Encodes publications once per worker, for any number of members."""

from dataclasses import dataclass, field

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
    _rewound: "EncodedPublication | None" = field(
        default=None, init=False, repr=False, compare=False
    )

    @property
    def rewound(self) -> "EncodedPublication":
        """The same with ``"replayed":true``, for members whose rewind it belongs to; encoded once,
        at its first use."""
        if self._rewound is None:
            text = self.encoded.payload
            assert isinstance(text, str)
            encoded = encode_message(text[:-1] + ',"replayed":true}')
            rewound = EncodedPublication(self.offset, len(encoded.frame), encoded)
            object.__setattr__(self, "_rewound", rewound)
            return rewound
        return self._rewound


def encode_publication(room: str, entry: LogEntry) -> EncodedPublication:
    """Encode an entry of this room's log."""
    publication = messages.Publication(
        room=room, offset=entry.offset, time=entry.time, data=msgspec.Raw(entry.data)
    )
    encoded = encode_message(messages.encode(publication))
    return EncodedPublication(entry.offset, len(encoded.frame), encoded)
