"""Which JSON may travel: what every client can read as it is meant."""

import re
from array import array
from itertools import accumulate

MAX_DEPTH = 32
MAX_INTEGER = 2**53  # beyond it JavaScript's numbers lose digits

TOO_DEEP = f"expected nesting of at most {MAX_DEPTH} levels"
OUT_OF_RANGE = "expected integers between -2^53 and 2^53; send larger ones as text"

_DIGITS = len(str(MAX_INTEGER))

# Tables for ``bytes.translate``: every digit as 0 and the rest as a blank; all but brackets and
# what strings begin and end with; brackets as steps, down and up, of signed bytes.
_AS_ZEROS = bytes(b"0"[0] if byte in b"0123456789" else b" "[0] for byte in range(256))
_NO_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'{}[]"')
_AS_STEPS = bytes.maketrans(b"{}[]", b"\x01\xff\x01\xff")

# It begins with a set of characters, which is what ``re`` finds fast.
_LONG_NUMBER = re.compile(rb"[-0-9][-+.eE0-9]{%d,}" % (_DIGITS - 1))


class BadValue(ValueError):
    """Nested too deep, or an integer too large; says what was expected."""


def check_json(text: str) -> None:
    """Enforce depth and integer range everywhere in a text, which must be valid JSON.

    Builds no values: a megabyte of brackets is half a million lists. Each step is a pass at C
    speed over the text, over its brackets or over its long numbers, and two tests clear nearly
    every text: with no more than MAX_DEPTH brackets it cannot be too deep, and without as many
    digits in a row as 2**53 has no integer reaches it. Raises BadValue.
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
    """Without the escapes that hide a quote, or the end of an escape: each quote that is left
    begins a string or ends one."""
    return data.replace(rb"\\", b"").replace(rb"\"", b"")


def _outside_strings(data: bytes) -> bytes:
    """What stands between the strings. Two quotes in a row change nothing, and are many."""
    return b"".join(data.replace(b'""', b"").split(b'"')[::2])
