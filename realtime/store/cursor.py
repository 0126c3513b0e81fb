"""Cursors: a position in an order, safe to show in a URL.

A cursor holds the value sorted by and the prefix of an id. Two sessions of the same millisecond
whose ids begin alike count as one: 48 random bits make that unlikely.
"""

from .contract import ID_PREFIX_LEN


def write(value: int, session: str) -> str:
    """The cursor of this session, sorted by this value."""
    return f"{value}.{session[:ID_PREFIX_LEN]}"


def read(cursor: str) -> tuple[int, str]:
    """The value and the id's prefix. Raises ValueError for an invalid cursor."""
    text, _, prefix = cursor.partition(".")
    try:
        return int(text), prefix
    except ValueError:
        raise ValueError(f"not a cursor of this store: {cursor!r}") from None
