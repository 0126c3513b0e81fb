"""Positions: how far somebody has got in a room's log, and whether they can go on from there."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True, slots=True)
class Position:
    """The ``offset`` of a publication within an ``epoch``. Offsets are 1, 2, 3 … without
    holes; 0 is before the first. Another epoch is another log."""

    epoch: Annotated[str, Meta(max_length=100)]
    offset: Annotated[int, Meta(ge=0, le=2**53)]


class Gap(Enum):
    """Why nobody can go on from a position without missing something."""

    EXPIRED = "expired"  # the log does not reach back so far
    EPOCH_CHANGED = "epoch_changed"  # the log it belongs to is gone
    AHEAD = "ahead"  # the log has never been so long: it was not of this log


def gap_after(position: Position, *, top: Position, oldest: int) -> Gap | None:
    """What is missing after ``position`` in a log that ends at ``top``; None if nothing is.

    ``oldest`` is the offset of the oldest publication kept, ``top.offset + 1`` if none is.
    """
    if position.epoch != top.epoch:
        return Gap.EPOCH_CHANGED
    if position.offset > top.offset:
        return Gap.AHEAD
    if position.offset + 1 < oldest:
        return Gap.EXPIRED
    return None
