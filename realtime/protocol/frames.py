"""WebSocket frames of a server (RFC 6455, 5.2): unmasked, so one serves any number of clients."""

from dataclasses import dataclass

TEXT, BINARY = 0x81, 0x82  # with FIN: a whole message

# From these payload sizes on, the length takes two more bytes, then eight.
TWO_BYTE_LENGTH, EIGHT_BYTE_LENGTH = 126, 1 << 16


@dataclass(frozen=True, slots=True)
class EncodedMessage:
    """A message encoded once: its payload, for servers that make frames, and the whole frame."""

    payload: str | bytes
    frame: bytes


def encode_message(payload: str | bytes) -> EncodedMessage:
    """Return a text message for a str, a binary one for bytes."""
    if isinstance(payload, str):
        return EncodedMessage(payload, _frame(TEXT, payload.encode()))
    return EncodedMessage(payload, _frame(BINARY, payload))


def _frame(first_byte: int, data: bytes) -> bytes:
    size = len(data)
    if size < TWO_BYTE_LENGTH:
        return bytes((first_byte, size)) + data
    if size < EIGHT_BYTE_LENGTH:
        return bytes((first_byte, 126)) + size.to_bytes(2, "big") + data
    return bytes((first_byte, 127)) + size.to_bytes(8, "big") + data
