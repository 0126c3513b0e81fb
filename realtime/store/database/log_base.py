"""The base: the log position of rooms without publications, where a room's first log begins."""

import secrets

from realtime.protocol.position import Position

from ..log import LogEnd

# The room of the base's row. It has no entries; its epoch is that of all rooms without
# publications, which have no rows of their own. Emptying the table deletes the base, too.
BASE = ""


def new_epoch() -> str:
    """A name that no log has had before."""
    return secrets.token_hex(6)


def base_end(epoch: str) -> LogEnd:
    """The end of the log of a room without publications."""
    return LogEnd(Position(epoch, 0), oldest=1)
