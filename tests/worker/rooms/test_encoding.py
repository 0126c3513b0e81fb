"""A publication as it travels: encoded once, with the data as the log has it."""

import json

from realtime.store.log import Entry
from realtime.worker.rooms.encoding import published


def test_a_publication_carries_the_data_of_the_log() -> None:
    publication = published("chat:lobby", Entry(7, 1_795_176_000_000, '{"text":"grüße","n":[1]}'))
    assert json.loads(publication.encoded.payload) == {
        "type": "publication",
        "room": "chat:lobby",
        "offset": 7,
        "time": 1_795_176_000_000,
        "data": {"text": "grüße", "n": [1]},
    }
    assert publication.offset == 7


def test_its_size_is_that_of_its_frame() -> None:
    short, long = (published("a", Entry(1, 0, json.dumps("ü" * n))) for n in (1, 1000))
    assert short.size == len(short.encoded.frame)
    assert long.size - short.size >= 5 * 999
