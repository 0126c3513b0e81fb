"""When which room is to be audited: the heartbeat's audit, and those that follow a join."""

from collections.abc import Iterable

# A beat's audit is asked for at most so often per room, in seconds.
ONCE_IN = 1.0

# So many seconds after the first member has come: until then a subscription may not have
# taken effect, and nobody confirms one.
AFTER_JOIN = (1.0, 3.0)


class AuditSchedule:
    """What is to be audited. Its size is bounded by the number of rooms; ``now`` is in seconds
    of the owner's clock."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}  # rooms that have members, and when last asked about
        # Per delay, when each was joined. One after the other, so the first are due first.
        self._joined: dict[float, dict[str, float]] = {delay: {} for delay in AFTER_JOIN}
        self._soon: dict[str, None] = {}

    def joined(self, room: str, now: float) -> None:
        """Somebody is the first in a room."""
        self._asked[room] = now - ONCE_IN
        for joined in self._joined.values():
            joined.pop(room, None)
            joined[room] = now

    def left(self, room: str) -> None:
        """Nobody is in it any more."""
        self._asked.pop(room, None)
        self._soon.pop(room, None)
        for joined in self._joined.values():
            joined.pop(room, None)

    def soon(self, rooms: Iterable[str]) -> None:
        """Somebody in these rooms has beaten."""
        for room in rooms:
            if room in self._asked:
                self._soon[room] = None

    def take(self, now: float, most: int) -> list[str]:
        """What is due, at most so many rooms, which count as asked about."""
        rooms: dict[str, None] = {}
        for delay, joined in self._joined.items():
            while joined and len(rooms) < most and next(iter(joined.values())) + delay <= now:
                room = next(iter(joined))
                del joined[room]
                rooms[room] = None
        due = (room for room in self._soon if self._asked[room] + ONCE_IN <= now)
        rooms.update(dict.fromkeys(list(due)[: most - len(rooms)]))
        for room in rooms:
            self._asked[room] = now
            self._soon.pop(room, None)
        return list(rooms)
