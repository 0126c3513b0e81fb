"""How a client's frame is read: strictly.

A frame that is not one of the client's messages raises :class:`BadFrame` with the error
code and a sentence that says what was expected.
"""

from typing import Any

import msgspec

from .codes import ErrorCode
from .messages import ClientMessage
from .values import OUT_OF_RANGE, TOO_DEEP, BadValue, check_values

MAX_DETAIL = 200  # characters of an error's sentence

_decoder = msgspec.json.Decoder(ClientMessage)
_probe = msgspec.json.Decoder()

TYPES = tuple(sorted(t.__struct_config__.tag for t in ClientMessage.__args__))


class BadFrame(Exception):
    """A frame that is not one of the client's messages."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        # It may quote the frame: a megabyte in must not be a megabyte out.
        self.detail = detail if len(detail) <= MAX_DETAIL else f"{detail[: MAX_DETAIL - 1]}…"


def decode(text: str, *, max_size: int) -> ClientMessage:
    """Read a text frame of at most ``max_size`` bytes. Raises :class:`BadFrame`."""
    _check_size(text, max_size)
    try:
        message: ClientMessage = _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _invalid(text, str(error)) from None
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise _not_json(error) from None
    except RecursionError:
        raise BadFrame(ErrorCode.INVALID_MESSAGE, TOO_DEEP) from None
    try:
        check_values(text, _plain)
    except BadValue as bad:
        raise BadFrame(ErrorCode.INVALID_MESSAGE, str(bad)) from None
    return message


def _check_size(text: str, max_size: int) -> None:
    # A character is at most 4 bytes, so short frames need not be measured in bytes.
    if len(text) * 4 > max_size and len(text.encode("utf-8", "surrogatepass")) > max_size:
        detail = f"expected a frame of at most {max_size} bytes"
        raise BadFrame(ErrorCode.INVALID_MESSAGE, detail)


def _not_json(error: Exception) -> BadFrame:
    return BadFrame(ErrorCode.INVALID_JSON, f"expected one JSON object: {error}")


def _invalid(text: str, detail: str) -> BadFrame:
    """Tell an unknown type from a known one with wrong fields. The rare path: reads twice."""
    value = _plain(text)
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind not in TYPES:
        return BadFrame(ErrorCode.UNKNOWN_TYPE, f"expected a type that is one of {_list(TYPES)}")
    return BadFrame(ErrorCode.INVALID_MESSAGE, detail)


def _plain(text: str) -> Any:
    """The whole frame as plain data: the messages' decoder stops at the first wrong
    field and skips unknown ones, where it does not mind numbers beyond all range."""
    try:
        return _probe.decode(text)
    except msgspec.ValidationError:
        raise BadFrame(ErrorCode.INVALID_MESSAGE, OUT_OF_RANGE) from None
    except msgspec.DecodeError as error:
        raise _not_json(error) from None
    except RecursionError:
        raise BadFrame(ErrorCode.INVALID_MESSAGE, TOO_DEEP) from None


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(words)
