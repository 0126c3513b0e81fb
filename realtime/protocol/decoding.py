"""How a client's frame is read: strictly.

A frame that is not one of the client's messages raises :class:`BadFrame` with the error
code and a sentence that says what was expected.
"""

import math
import re

import msgspec

from .codes import ErrorCode
from .json_limits import MAX_INTEGER, OUT_OF_RANGE, TOO_DEEP, BadValue, check_json
from .messages import ClientMessage, RawRoomMessage, RoomMessage, UnreadMessage
from .rooms import MAX_NAME

MAX_DETAIL = 200  # characters of an error's sentence
MAX_ESCAPE = 6  # bytes that may stand for one: \u0041


class _Kind(msgspec.Struct, frozen=True):
    """The one field that every message has, whatever it is; the rest is passed over."""

    type: msgspec.Raw = msgspec.Raw(b"null")


_decoder = msgspec.json.Decoder(UnreadMessage)
_kinds = msgspec.json.Decoder(_Kind)
_values = msgspec.json.Decoder()


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(OUT_OF_RANGE)
    return number


# Msgspec reads a number such as 1e300 by way of its digits: 64 KiB of these took 0.3 s. Python
# needs a thirtieth of that, and more than msgspec for what has no exponent.
_EXPONENT = re.compile(rb"[0-9][eE]")
_values_with_exponents = msgspec.json.Decoder(float_hook=_number)

TYPES = tuple(sorted(t.__struct_config__.tag for t in ClientMessage.__args__))


class BadFrame(Exception):
    """A frame that is not one of the client's messages."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        # It may quote the frame: a megabyte in must not be a megabyte out.
        self.detail = detail if len(detail) <= MAX_DETAIL else f"{detail[: MAX_DETAIL - 1]}…"


class TooMuchData(BadFrame):
    """A ``message`` that is well-formed, and whose data is too large: it has an ``id`` to be
    answered with, and ``room`` unless that is no room's name."""

    def __init__(self, said: RawRoomMessage, max_data: int) -> None:
        super().__init__(
            ErrorCode.INVALID_MESSAGE, f"expected at most {max_data} bytes of JSON as data"
        )
        self.id = said.id
        self.room = said.room if len(said.room) <= MAX_NAME else None


def decode(text: str, *, max_size: int, max_data: int = MAX_INTEGER) -> ClientMessage:
    """Read a text frame of at most ``max_size`` bytes, and of a ``message`` at most ``max_data``
    bytes of data. Raises :class:`BadFrame`.

    What is not asked for costs a scan, not its values: unknown fields, frames that are no
    messages, and data that is too large.
    """
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
        raise BadFrame(ErrorCode.INVALID_MESSAGE, str(bad)) from None
    return _read(message, max_data) if isinstance(message, RawRoomMessage) else message


def _read(said: RawRoomMessage, max_data: int) -> RoomMessage:
    large = len(said.data) > max_data
    if large and _least_size(said.data) > max_data:
        raise TooMuchData(said, max_data)
    decoder = _values_with_exponents if _EXPONENT.search(said.data) else _values
    try:
        data = decoder.decode(said.data)
    except msgspec.ValidationError:
        raise BadFrame(ErrorCode.INVALID_MESSAGE, OUT_OF_RANGE) from None
    except msgspec.DecodeError as error:
        raise _not_json(error) from None
    if large and len(msgspec.json.encode(data)) > max_data:
        raise TooMuchData(said, max_data)
    return RoomMessage(id=said.id, room=said.room, data=data, key=said.key)


def _least_size(data: msgspec.Raw) -> int:
    """What JSON cannot be shorter than, however it is written: neither blanks nor escapes count."""
    compact = msgspec.json.format(data, indent=-1)
    return len(compact) - (MAX_ESCAPE - 1) * compact.count(b"\\")


def size_of(text: str) -> int:
    """The bytes of a text in UTF-8."""
    # Python knows of a text whether it is ASCII.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _check_size(text: str, max_size: int) -> None:
    if size_of(text) > max_size:
        detail = f"expected a frame of at most {max_size} bytes"
        raise BadFrame(ErrorCode.INVALID_MESSAGE, detail)


def _not_json(error: Exception) -> BadFrame:
    return BadFrame(ErrorCode.INVALID_JSON, f"expected one JSON object: {error}")


def _invalid(text: str, detail: str) -> BadFrame:
    """Tell an unknown type from a known one with wrong fields, and both from what is no JSON: the
    messages' decoder stops at the first wrong field. The rare path: reads twice."""
    try:
        kind = _kinds.decode(text).type
    except msgspec.ValidationError:
        return BadFrame(ErrorCode.INVALID_MESSAGE, detail)
    except msgspec.DecodeError as error:
        return _not_json(error)
    except RecursionError:
        return BadFrame(ErrorCode.INVALID_MESSAGE, TOO_DEEP)
    if bytes(kind).startswith(b'"') and _values.decode(kind) not in TYPES:
        return BadFrame(ErrorCode.UNKNOWN_TYPE, f"expected a type that is one of {_list(TYPES)}")
    return BadFrame(ErrorCode.INVALID_MESSAGE, detail)


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(words)
