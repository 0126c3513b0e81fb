"""Where a room is that nothing was published to, and where its first log goes on."""

import secrets

from realtime.protocol.position import Position

from ..log import LogEnd

# In place of a room's name: its row has no entries, and its epoch is that of all rooms that
# nothing was published to, which have no rows of their own. Emptying the table takes it along.
BASE = ""


def new_epoch() -> str:
    """A name that no log has had before."""
    return secrets.token_hex(6)


def at(base: str) -> LogEnd:
    """The end of the log of a room that has none."""
    return LogEnd(Position(base, 0), oldest=1)
