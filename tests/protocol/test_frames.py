"""Frames as RFC 6455 defines them."""

import pytest
from websockets.frames import Frame, Opcode

from realtime.protocol.frames import encode_message

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 100_000]


@pytest.mark.parametrize("size", SIZES)
def test_a_text_becomes_one_unmasked_frame(size: int) -> None:
    text = "x" * size
    expected = Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
    assert encode_message(text).frame == expected
    assert encode_message(text).payload == text


@pytest.mark.parametrize("size", SIZES)
def test_bytes_become_a_binary_frame(size: int) -> None:
    data = bytes(size)
    assert encode_message(data).frame == Frame(Opcode.BINARY, data).serialize(mask=False)


def test_a_length_is_counted_in_bytes() -> None:
    assert encode_message("é" * 63).frame[:4] == b"\x81\x7e\x00\x7e"
