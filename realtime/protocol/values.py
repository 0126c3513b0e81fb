"""Which JSON may travel: what every client can read as it is meant."""

import re
from collections.abc import Callable, Iterable
from typing import Any

MAX_DEPTH = 32
MAX_INTEGER = 2**53  # beyond it JavaScript's numbers lose digits

TOO_DEEP = f"expected nesting of at most {MAX_DEPTH} levels"
OUT_OF_RANGE = "expected integers between -2^53 and 2^53; send larger ones as text"

_LONG_NUMBER = re.compile(r"\d{16}")


class BadValue(ValueError):
    """Nested too deep, or an integer too large; says what was expected."""


def check_values(text: str, read: Callable[[str], Any]) -> None:
    """Enforce depth and integer range everywhere in a JSON text, which ``read`` can read.

    Two tests at C speed clear nearly every text: with no more than MAX_DEPTH brackets it
    cannot be too deep, and without 16 digits in a row no integer reaches 2**53
    (9 007 199 254 740 992). Only the rest is walked. Raises BadValue.
    """
    if text.count("{") + text.count("[") <= MAX_DEPTH and not _LONG_NUMBER.search(text):
        return
    level = [read(text)]
    for _ in range(MAX_DEPTH):
        _check_integers(level)
        level = [child for value in level for child in _children(value)]
    _check_integers(level)
    if any(isinstance(value, dict | list) for value in level):
        raise BadValue(TOO_DEEP)


def _check_integers(values: Iterable[Any]) -> None:
    if any(type(value) is int and abs(value) > MAX_INTEGER for value in values):
        raise BadValue(OUT_OF_RANGE)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
