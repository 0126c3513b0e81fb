"""WebSocket frames from a server (RFC 6455, 5.2): unmasked, so one serves any number of clients."""

from dataclasses import dataclass

TEXT, BINARY = 0x81, 0x82  # with FIN: a whole message

SHORT, MEDIUM = 126, 1 << 16  # from here on the length takes two more bytes, then eight


@dataclass(frozen=True, slots=True)
class Encoded:
    """A message, encoded once: its payload for servers that make frames, and the whole frame."""

    payload: str | bytes
    frame: bytes


def encoded(payload: str | bytes) -> Encoded:
    """A text message of a str, a binary one of bytes."""
    if isinstance(payload, str):
        return Encoded(payload, _frame(TEXT, payload.encode()))
    return Encoded(payload, _frame(BINARY, payload))


def _frame(kind: int, data: bytes) -> bytes:
    size = len(data)
    if size < SHORT:
        return bytes((kind, size)) + data
    if size < MEDIUM:
        return bytes((kind, 126)) + size.to_bytes(2, "big") + data
    return bytes((kind, 127)) + size.to_bytes(8, "big") + data
