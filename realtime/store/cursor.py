"""Cursors: a place in an order, as it may stand in a URL.

It holds a value to sort by and the head of an id. Two sessions of the same millisecond whose
ids begin alike count as one: 48 bits of chance stand against it.
"""

from .contract import ID_PREFIX_LEN


def write(value: int, session: str) -> str:
    """The place of this session, by this value."""
    return f"{value}.{session[:ID_PREFIX_LEN]}"


def read(cursor: str) -> tuple[int, str]:
    """The value and the head of an id. Raises ValueError for what is no cursor."""
    text, _, head = cursor.partition(".")
    try:
        return int(text), head
    except ValueError:
        raise ValueError(f"not a cursor of this store: {cursor!r}") from None
