"""The heartbeat as a pure machine: events and ``now`` in, actions out.

It never sleeps, reads no clock and does no I/O. The owner asks ``tick(now)``
when ``due`` has come and does what it answers. Both sides of the wire run it: a
server pings every ``ping_interval``; a browser only when the line has been idle
for that long (``idle_only``). ``static/realtime/heartbeat.js`` is the same
machine, and both run ``tests/vectors/heartbeat.json``.

    alive ──miss──▶ unstable ──misses = max_missed──▶ dead
      ▲  └────────no valid pong for session_timeout────▲ (from either)
      └──sign of life──┘

Times are seconds of the owner's monotonic clock. Every deadline follows from
the deadline before it, not from the tick that served it, so lateness does not
add up.
"""

import math
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How the connection is doing."""

    ALIVE = "alive"
    UNSTABLE = "unstable"
    DEAD = "dead"


class Event(Enum):
    """What can happen to it."""

    LIFE = "life"
    MISS = "miss"
    LAST_MISS = "last_miss"
    SILENCE = "silence"


class IllegalEvent(Exception):
    """An event that the state does not know. Nothing has changed."""


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.ALIVE, Event.LIFE): State.ALIVE,
    (State.ALIVE, Event.MISS): State.UNSTABLE,
    (State.ALIVE, Event.LAST_MISS): State.DEAD,  # with max_missed = 1
    (State.ALIVE, Event.SILENCE): State.DEAD,
    (State.UNSTABLE, Event.LIFE): State.ALIVE,
    (State.UNSTABLE, Event.MISS): State.UNSTABLE,
    (State.UNSTABLE, Event.LAST_MISS): State.DEAD,
    (State.UNSTABLE, Event.SILENCE): State.DEAD,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of a heartbeat, in seconds; ``docs/protocol.md`` derives them."""

    ping_interval: float
    pong_timeout: float
    max_missed: int
    session_timeout: float = math.inf
    idle_only: bool = False


@dataclass(frozen=True, slots=True)
class SendPing:
    """Send a ping with this sequence now. ``missed`` answers are overdue before it."""

    sequence: int
    missed: int


@dataclass(frozen=True, slots=True)
class Dead:
    """The peer is gone: too many misses, or no valid pong for too long."""

    missed: int


class Heartbeat:
    """One connection's heartbeat. ``first_ping`` is the delay of the first ping, in seconds."""

    __slots__ = (
        "_last_valid",
        "_miss_due",
        "_outstanding",
        "_ping_due",
        "_policy",
        "missed",
        "sequence",
        "state",
    )

    def __init__(self, policy: Policy, now: float, *, first_ping: float | None = None) -> None:
        self._policy = policy
        self._ping_due = now + (policy.ping_interval if first_ping is None else first_ping)
        self._miss_due = math.inf
        self._last_valid = now
        self._outstanding: dict[int, float] = {}  # sequence → when it left, oldest first
        self.state = State.ALIVE
        self.missed = 0
        self.sequence = 0

    @property
    def due(self) -> float:
        """When the machine next wants to be asked; infinity once dead."""
        if self.state is State.DEAD:
            return math.inf
        return min(self._ping_due, self._miss_due, self._silence_due)

    @property
    def outstanding(self) -> tuple[int, ...]:
        """The sequences whose pong would be valid, oldest first; at most ``max_missed``."""
        return tuple(self._outstanding)

    @property
    def _silence_due(self) -> float:
        return self._last_valid + self._policy.session_timeout

    def tick(self, now: float) -> SendPing | Dead | None:
        """What is due at ``now``: a ping to send, the end, or nothing. Raises once dead."""
        if self.state is State.DEAD:
            raise IllegalEvent("tick after death")
        if now >= self._silence_due:
            return self._die(Event.SILENCE)
        if now >= self._miss_due:
            return self._miss(now)
        if now >= self._ping_due:
            return self._ping(self._ping_due, now)
        return None

    def probe(self, now: float, *, within: float | None = None) -> SendPing:
        """Ping now, out of turn, and count a miss after ``within`` seconds (pong_timeout)."""
        if self.state is State.DEAD:
            raise IllegalEvent("probe after death")
        action = self._ping(now, now)
        if within is not None:
            self._miss_due = min(self._miss_due, now + within)
        return action

    def pong(self, sequence: int, now: float) -> float | None:
        """The latency in seconds if the pong is valid, else None and nothing has changed.

        Valid is the first pong for a ping sent since the last valid one, among
        the newest ``max_missed``; it settles the older ones too.
        """
        if self.state is State.DEAD:
            raise IllegalEvent("pong after death")
        sent = self._outstanding.get(sequence)
        if sent is None:
            return None
        self._outstanding = {s: t for s, t in self._outstanding.items() if s > sequence}
        self._last_valid = now
        self._live(now)
        return now - sent

    def traffic(self, now: float) -> None:
        """Any other well-formed frame has come: a sign of life, but no proof of reading."""
        self._live(now)

    def excuse(self, seconds: float) -> None:
        """Shift every deadline: this process itself stood still and could hear nobody."""
        self._ping_due += seconds
        self._miss_due += seconds
        self._last_valid += seconds

    def _live(self, now: float) -> None:
        self._enter(Event.LIFE)
        self.missed = 0
        self._miss_due = math.inf
        if self._policy.idle_only:
            self._ping_due = now + self._policy.ping_interval

    def _miss(self, now: float) -> SendPing | Dead:
        self.missed += 1
        if self.missed >= self._policy.max_missed:
            return self._die(Event.LAST_MISS)
        self._enter(Event.MISS)
        deadline, self._miss_due = self._miss_due, math.inf
        return self._ping(deadline, now)

    def _ping(self, due: float, now: float) -> SendPing:
        self.sequence += 1
        self._outstanding[self.sequence] = now
        while len(self._outstanding) > self._policy.max_missed:
            del self._outstanding[next(iter(self._outstanding))]
        # A miss is counted from the oldest ping without an answer or other life.
        self._miss_due = min(self._miss_due, due + self._policy.pong_timeout)
        self._ping_due = due + self._policy.ping_interval
        if self._ping_due <= now:  # a whole interval late: skip what was missed, no burst
            self._ping_due = now + self._policy.ping_interval
        return SendPing(self.sequence, self.missed)

    def _die(self, event: Event) -> Dead:
        self._enter(event)
        return Dead(self.missed)

    def _enter(self, event: Event) -> None:
        try:
            self.state = TRANSITIONS[self.state, event]
        except KeyError:
            raise IllegalEvent(f"{event.value} while {self.state.value}") from None
