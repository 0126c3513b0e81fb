"""When to audit which room: when a member beats, and some time after the first one joined."""

from collections.abc import Iterable

MIN_INTERVAL = 1.0  # seconds between two requested audits of a room

# Seconds after the first member joined: until then the subscription to the room's group may
# not have taken effect, and no layer confirms one.
DELAYS_AFTER_JOIN = (1.0, 3.0)


class AuditSchedule:
    """Which rooms to audit; holds each room a fixed number of times at most. ``now`` is in
    seconds of the owner's clock."""

    def __init__(self) -> None:
        self._last_audit: dict[str, float] = {}  # of all rooms that have members
        # Per delay, when each room was added; in that order, so the first are due first.
        self._added: dict[float, dict[str, float]] = {delay: {} for delay in DELAYS_AFTER_JOIN}
        self._requested: dict[str, None] = {}

    def add_room(self, room: str, now: float) -> None:
        """Add a room when its first member joins."""
        self._last_audit[room] = now - MIN_INTERVAL
        for added in self._added.values():
            added.pop(room, None)
            added[room] = now

    def remove_room(self, room: str) -> None:
        """Remove a room when its last member has left."""
        self._last_audit.pop(room, None)
        self._requested.pop(room, None)
        for added in self._added.values():
            added.pop(room, None)

    def request(self, rooms: Iterable[str]) -> None:
        """Have those of the rooms that have members audited, MIN_INTERVAL after the last time."""
        for room in rooms:
            if room in self._last_audit:
                self._requested[room] = None

    def take_due(self, now: float, limit: int) -> list[str]:
        """Return at most ``limit`` rooms that are due; they count as audited."""
        rooms: dict[str, None] = {}
        for delay, added in self._added.items():
            while added and len(rooms) < limit and next(iter(added.values())) + delay <= now:
                room = next(iter(added))
                del added[room]
                rooms[room] = None
        due = (room for room in self._requested if self._last_audit[room] + MIN_INTERVAL <= now)
        rooms.update(dict.fromkeys(list(due)[: limit - len(rooms)]))
        for room in rooms:
            self._last_audit[room] = now
            self._requested.pop(room, None)
        return list(rooms)
