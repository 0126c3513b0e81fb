"""Positions in a room's log, and the gaps that prevent a client from continuing at one."""

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
    """Why a client that continues at a position would miss publications."""

    EXPIRED = "expired"  # the log no longer keeps what follows
    EPOCH_CHANGED = "epoch_changed"  # the position belongs to a log that is gone
    AHEAD = "ahead"  # the log has never been that long


def gap_after(position: Position, *, top: Position, oldest: int) -> Gap | None:
    """Return why a client cannot continue at ``position`` in a log that ends at ``top``; None if it
    can. ``oldest`` is the offset of the oldest publication kept, ``top.offset + 1`` if none is."""
    if position.epoch != top.epoch:
        return Gap.EPOCH_CHANGED
    if position.offset > top.offset:
        return Gap.AHEAD
    if position.offset + 1 < oldest:
        return Gap.EXPIRED
    return None
