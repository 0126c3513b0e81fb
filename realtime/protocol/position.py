"""Positions in a room's log, where a client begins in it, and the gaps that prevent it from
continuing at a position."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

MAX_EPOCH, MAX_OFFSET = 100, 2**53
MAX_REWIND = 1000  # publications

Epoch = Annotated[str, Meta(max_length=MAX_EPOCH)]
Offset = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
RewindCount = Annotated[int, Meta(ge=1, le=MAX_REWIND)]

_OFFSET = re.compile(r"[0-9]{1,16}")


@dataclass(frozen=True, slots=True)
class Position:
    """The ``offset`` of a publication within an ``epoch``. Offsets are 1, 2, 3 … without
    holes; 0 is before the first. Another epoch is another log. As text it is ``epoch:offset``."""

    epoch: Epoch
    offset: Offset

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position of a text that ``str()`` has made. Raises ValueError for others."""
        epoch, _, offset = text.rpartition(":")
        is_offset = bool(_OFFSET.fullmatch(offset)) and int(offset) <= MAX_OFFSET
        if not 1 <= len(epoch) <= MAX_EPOCH or not is_offset:
            raise ValueError(f'expected a position such as "k3:41", not {text[:150]!r}')
        return cls(epoch, int(offset))


@dataclass(frozen=True, slots=True)
class Rewind:
    """Begin with the last ``count`` publications, or with those that the log still has."""

    count: int


# Where a client begins in a room: after a position, with a rewind, or from now on.
Start: TypeAlias = Position | Rewind | None


class RoomStart(Struct, frozen=True, omit_defaults=True):
    """A :data:`Start` on the wire: ``epoch`` and ``offset``, or ``rewind``. Raises ValueError for
    anything else."""

    epoch: Epoch | None = None
    offset: Offset | None = None
    rewind: RewindCount | None = None

    def __post_init__(self) -> None:
        given = (self.epoch is not None, self.offset is not None, self.rewind is not None)
        if given not in ((True, True, False), (False, False, True)):
            raise ValueError("expected an object with epoch and offset, or with rewind")

    @property
    def start(self) -> Start:
        """Where the client begins."""
        if self.epoch is not None and self.offset is not None:
            return Position(self.epoch, self.offset)
        return Rewind(self.rewind) if self.rewind is not None else None


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
