"""The heartbeat as a pure machine: events and ``now`` in, actions out.

It never sleeps, reads no clock and does no I/O. The owner calls ``tick(now)`` at ``due`` and does
what it returns. A server pings every ``ping_interval``, the Python client only after the
connection has been idle for that long (``idle_only``); ``tests/vectors/heartbeat.json`` tests it.
The browser client has one question alone, whether the server is there, and a watchdog for it.

    alive ──miss──▶ unstable ──misses = max_missed──▶ dead
      ▲  └────────no valid pong for session_timeout────▲ (from either)
      └──sign of life──┘

Times are seconds of the owner's monotonic clock. Each deadline is computed from the deadline
before it, not from the tick that served it, so lateness does not add up.
"""

import math
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """The state of a connection."""

    ALIVE = "alive"
    UNSTABLE = "unstable"
    DEAD = "dead"


class Event(Enum):
    """A cause of a change of state."""

    LIFE = "life"
    MISS = "miss"
    LAST_MISS = "last_miss"
    SILENCE = "silence"


class IllegalEvent(Exception):
    """An event that is not allowed in the current state; nothing has changed."""


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
    """The parameters of a heartbeat, in seconds; ``docs/protocol.md`` derives them."""

    ping_interval: float
    pong_timeout: float
    max_missed: int
    session_timeout: float = math.inf
    idle_only: bool = False


@dataclass(frozen=True, slots=True)
class SendPing:
    """Send a ping with this sequence now; ``missed`` earlier answers are overdue."""

    sequence: int
    missed: int


@dataclass(frozen=True, slots=True)
class Dead:
    """End the connection: too many misses, or no valid pong for ``session_timeout``."""

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
        """When ``tick`` must be called next; infinity once dead."""
        if self.state is State.DEAD:
            return math.inf
        return min(self._ping_due, self._miss_due, self._silence_due)

    @property
    def outstanding(self) -> tuple[int, ...]:
        """Sequences whose pong would be valid, oldest first; at most ``max_missed``."""
        return tuple(self._outstanding)

    @property
    def _silence_due(self) -> float:
        return self._last_valid + self._policy.session_timeout

    def tick(self, now: float) -> SendPing | Dead | None:
        """Return what is due at ``now``, None for nothing. Raises IllegalEvent once dead."""
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
        """Ping now, out of turn; count a miss after ``within`` seconds instead of pong_timeout."""
        if self.state is State.DEAD:
            raise IllegalEvent("probe after death")
        action = self._ping(now, now)
        if within is not None:
            self._miss_due = min(self._miss_due, now + within)
        return action

    def pong(self, sequence: int, now: float) -> float | None:
        """Return the latency in seconds; None, without a change, if the pong is not valid. Valid is
        the first pong for one of the newest ``max_missed`` pings sent since the last valid pong; it
        settles the older pings, too."""
        if self.state is State.DEAD:
            raise IllegalEvent("pong after death")
        sent = self._outstanding.get(sequence)
        if sent is None:
            return None
        self._outstanding = {s: t for s, t in self._outstanding.items() if s > sequence}
        self._last_valid = now
        self._on_life(now)
        return now - sent

    def traffic(self, now: float) -> None:
        """Count any other well-formed frame as a sign of life, though it proves no reading."""
        self._on_life(now)

    def excuse(self, seconds: float) -> None:
        """Shift every deadline: this process stood still and could not receive."""
        self._ping_due += seconds
        self._miss_due += seconds
        self._last_valid += seconds

    def _on_life(self, now: float) -> None:
        self._transition(Event.LIFE)
        self.missed = 0
        self._miss_due = math.inf
        if self._policy.idle_only:
            self._ping_due = now + self._policy.ping_interval

    def _miss(self, now: float) -> SendPing | Dead:
        self.missed += 1
        if self.missed >= self._policy.max_missed:
            return self._die(Event.LAST_MISS)
        self._transition(Event.MISS)
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
        self._transition(event)
        return Dead(self.missed)

    def _transition(self, event: Event) -> None:
        try:
            self.state = TRANSITIONS[self.state, event]
        except KeyError:
            raise IllegalEvent(f"{event.value} while {self.state.value}") from None
