"""Decodes the frames of clients, strictly."""

import math
import re
from typing import Any

import msgspec

from .codes import ErrorCode
from .json_limits import MAX_INTEGER, OUT_OF_RANGE, TOO_DEEP, BadValue, check_json
from .messages import ClientMessage, RawRoomMessage, RoomMessage, UnreadMessage
from .request_messages import ClientRequest, RawClientRequest
from .room_messages import MessageItem, RawRoomMessages, RoomMessages
from .rooms import MAX_NAME

MAX_DETAIL = 200  # characters of an error's sentence
MAX_ESCAPE = 6  # bytes of an escape that stands for one byte: \u0041


RawFrame = RawRoomMessage | RawRoomMessages | RawClientRequest


class _TypeOnly(msgspec.Struct, frozen=True):
    """The field that every message has; the decoder skips the others."""

    type: msgspec.Raw = msgspec.Raw(b"null")


_decoder = msgspec.json.Decoder(UnreadMessage)
_type_decoder = msgspec.json.Decoder(_TypeOnly)
_data_decoder = msgspec.json.Decoder()


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(OUT_OF_RANGE)
    return number


# msgspec expands a number such as 1e300 to its digits: 64 KiB of them took 0.3 s. Python takes a
# thirtieth of that, but is slower than msgspec without exponents.
_EXPONENT = re.compile(rb"[0-9][eE]")
_exponent_decoder = msgspec.json.Decoder(float_hook=_number)

TYPES = tuple(sorted(t.__struct_config__.tag for t in ClientMessage.__args__))


class BadFrame(Exception):
    """A frame that is not one of the client's messages; ``detail`` says what was expected. ``id``
    is that of a message whose ``data`` is wrong, otherwise None."""

    def __init__(self, code: ErrorCode, detail: str, id_: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        # It may quote the frame: a megabyte received must not be a megabyte sent.
        self.detail = detail if len(detail) <= MAX_DETAIL else f"{detail[: MAX_DETAIL - 1]}…"
        self.id = id_


class TooMuchData(BadFrame):
    """A well-formed ``message``, one of ``messages``, or a ``request`` whose data is too large.
    ``room`` is that of the frame, or None if that is too long for a room's name."""

    def __init__(self, frame: RawFrame, max_data: int) -> None:
        detail = f"expected at most {max_data} bytes of JSON as data"
        super().__init__(ErrorCode.INVALID_MESSAGE, detail, frame.id)
        room = None if isinstance(frame, RawClientRequest) else frame.room
        self.room = room if room is not None and len(room) <= MAX_NAME else None


def decode(text: str, *, max_size: int, max_data: int = MAX_INTEGER) -> ClientMessage:
    """Decode a text frame of at most ``max_size`` bytes, and at most ``max_data`` bytes of data in
    each message or request. Raises :class:`BadFrame`. Unknown fields, invalid frames and data that
    is too large are scanned without building values."""
    _check_size(text, max_size)
    try:
        message: UnreadMessage = _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _invalid(text, str(error)) from None
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise _not_json(error) from None
    except RecursionError:
        raise BadFrame(ErrorCode.INVALID_MESSAGE, TOO_DEEP) from None
    try:
        check_json(text)
    except BadValue as bad:
        id_ = getattr(message, "id", None)
        raise BadFrame(ErrorCode.INVALID_MESSAGE, str(bad), id_) from None
    match message:
        case RawRoomMessage():
            data = _decode_data(message.data, message, max_data)
            return RoomMessage(message.id, message.room, data, message.key)
        case RawRoomMessages():
            items = (
                MessageItem(_decode_data(item.data, message, max_data), item.key)
                for item in message.items
            )
            return RoomMessages(message.id, message.room, tuple(items))
        case RawClientRequest():
            data = _decode_data(message.data, message, max_data)
            return ClientRequest(message.id, message.name, data)
    return message


def _decode_data(raw: msgspec.Raw, frame: RawFrame, max_data: int) -> Any:
    large = len(raw) > max_data
    if large and _least_size(raw) > max_data:
        raise TooMuchData(frame, max_data)
    decoder = _exponent_decoder if _EXPONENT.search(raw) else _data_decoder
    try:
        data = decoder.decode(raw)
    except msgspec.ValidationError:
        raise BadFrame(ErrorCode.INVALID_MESSAGE, OUT_OF_RANGE, frame.id) from None
    except msgspec.DecodeError as error:
        raise _not_json(error) from None
    if large and len(msgspec.json.encode(data)) > max_data:
        raise TooMuchData(frame, max_data)
    return data


def _least_size(data: msgspec.Raw) -> int:
    """Return a lower bound of the size once whitespace and escapes are removed."""
    compact = msgspec.json.format(data, indent=-1)
    return len(compact) - (MAX_ESCAPE - 1) * compact.count(b"\\")


def size_of(text: str) -> int:
    """Return the bytes of a text in UTF-8."""
    # Python stores whether a text is ASCII.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _check_size(text: str, max_size: int) -> None:
    if size_of(text) > max_size:
        detail = f"expected a frame of at most {max_size} bytes"
        raise BadFrame(ErrorCode.INVALID_MESSAGE, detail)


def _not_json(error: Exception) -> BadFrame:
    return BadFrame(ErrorCode.INVALID_JSON, f"expected one JSON object: {error}")


def _invalid(text: str, detail: str) -> BadFrame:
    """Return the error for an unknown type, for wrong fields, or for a text that is no JSON. It
    decodes again, because the first decoder stops at the first wrong field."""
    try:
        kind = _type_decoder.decode(text).type
    except msgspec.ValidationError:
        return BadFrame(ErrorCode.INVALID_MESSAGE, detail)
    except msgspec.DecodeError as error:
        return _not_json(error)
    except RecursionError:
        return BadFrame(ErrorCode.INVALID_MESSAGE, TOO_DEEP)
    if bytes(kind).startswith(b'"') and _data_decoder.decode(kind) not in TYPES:
        return BadFrame(ErrorCode.UNKNOWN_TYPE, f"expected a type that is one of {_list(TYPES)}")
    return BadFrame(ErrorCode.INVALID_MESSAGE, detail)


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(words)
