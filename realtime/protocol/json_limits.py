"""Limits of JSON on the wire: what every client reads without loss."""

import re
from array import array
from itertools import accumulate

MAX_DEPTH = 32
MAX_INTEGER = 2**53  # beyond it JavaScript's numbers lose digits

TOO_DEEP = f"expected nesting of at most {MAX_DEPTH} levels"
OUT_OF_RANGE = "expected integers between -2^53 and 2^53; send larger ones as text"

_DIGITS = len(str(MAX_INTEGER))

# Tables for ``bytes.translate``: digits become 0 and the rest blanks; everything to delete but
# brackets and quotes; brackets become steps of +1 and -1 as signed bytes.
_AS_ZEROS = bytes(b"0"[0] if byte in b"0123456789" else b" "[0] for byte in range(256))
_NO_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'{}[]"')
_AS_STEPS = bytes.maketrans(b"{}[]", b"\x01\xff\x01\xff")

# ``re`` searches fast for patterns that begin with a character set.
_LONG_NUMBER = re.compile(rb"[-0-9][-+.eE0-9]{%d,}" % (_DIGITS - 1))


class BadValue(ValueError):
    """JSON nested too deep, or an integer out of range; the text says what was expected."""


def check_json(text: str) -> None:
    """Raise BadValue if a text, which must be valid JSON, exceeds MAX_DEPTH or MAX_INTEGER.

    Builds no values: a megabyte of brackets is half a million lists. Each step is a pass at C
    speed over the text, its brackets or its long numbers. Two tests clear nearly every text:
    MAX_DEPTH brackets or fewer cannot nest too deep, and no integer is too large without as
    many digits in a row as 2**53 has.
    """
    data = text.encode()
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise BadValue(TOO_DEEP)
    if b"0" * _DIGITS in data.translate(_AS_ZEROS):
        _check_integers(data)


def _depth(data: bytes) -> int:
    structure = _outside_strings(_unescaped(data).translate(None, _NO_STRUCTURE))
    return max(accumulate(array("b", structure.translate(_AS_STEPS))), default=0)


def _check_integers(data: bytes) -> None:
    for number in _LONG_NUMBER.findall(_outside_strings(_unescaped(data))):
        digits = number.removeprefix(b"-")
        # JSON has no leading zeros, so longer is larger.
        if digits.isdigit() and (len(digits) > _DIGITS or int(digits) > MAX_INTEGER):
            raise BadValue(OUT_OF_RANGE)


def _unescaped(data: bytes) -> bytes:
    """Remove escaped backslashes and quotes; every quote left begins or ends a string."""
    return data.replace(rb"\\", b"").replace(rb"\"", b"")


def _outside_strings(data: bytes) -> bytes:
    """Return what is outside strings. Empty strings, often many, are removed first."""
    return b"".join(data.replace(b'""', b"").split(b'"')[::2])
