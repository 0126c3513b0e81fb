"""A publication as it travels: encoded once, with the data as the log has it."""

import json

import pytest

from realtime.store.log import LogEntry
from realtime.worker.rooms.encoding import encode_publication


def test_a_publication_carries_the_data_of_the_log() -> None:
    publication = encode_publication(
        "chat:lobby", LogEntry(7, 1_795_176_000_000, '{"text":"grüße","n":[1]}')
    )
    assert json.loads(publication.encoded.payload) == {
        "type": "publication",
        "room": "chat:lobby",
        "offset": 7,
        "time": 1_795_176_000_000,
        "data": {"text": "grüße", "n": [1]},
    }
    assert publication.offset == 7


def test_the_size_of_a_publication_is_that_of_its_frame() -> None:
    short, long = (encode_publication("a", LogEntry(1, 0, json.dumps("ü" * n))) for n in (1, 1000))
    assert short.size == len(short.encoded.frame)
    assert long.size - short.size >= 5 * 999


@pytest.mark.parametrize("size", [1, 90, 2**16])
def test_a_rewound_publication_says_so_and_is_encoded_once(size: int) -> None:
    publication = encode_publication("a", LogEntry(7, 1, json.dumps("ü" * size)))
    rewound = publication.rewound
    plain = json.loads(publication.encoded.payload)
    assert json.loads(rewound.encoded.payload) == {**plain, "replayed": True}
    assert (rewound.offset, rewound.size) == (7, len(rewound.encoded.frame))
    assert publication.rewound is rewound
    assert publication == encode_publication("a", LogEntry(7, 1, json.dumps("ü" * size)))
