"""Everything that is left to chance, made from one seed.

Each party has dice of its own, so its throws do not depend on how quick the others are.
The deeds of the nemesis and their times are fixed before the run begins.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

FIRST = 1.0  # seconds until the first fault
CHATS = ("chat:one", "chat:two", "chat:three")


def dice(seed: int, who: str) -> random.Random:
    """The dice of one party."""
    return random.Random(f"{seed} {who}")


class Fault(Enum):
    """The deeds of the nemesis, and how often each is chosen."""

    KILL_WORKER = "kill -9 of a worker", 4
    FREEZE_WORKER = "worker stands still", 2
    KILL_PUBLISHER = "kill -9 of a publisher", 2
    KILL_PUBSUB = "subscriptions cut", 6
    KILL_CLIENTS = "connections cut", 2
    PAUSE_REDIS = "Redis paused", 3
    FREEZE_REDIS = "Redis stands still", 3
    RESTART_REDIS = "Redis restarted", 1
    LOSE_REDIS = "Redis restarted without its data", 1
    EMPTY_REDIS = "Redis emptied", 1
    FORGET_SCRIPTS = "scripts forgotten", 1
    FILL_REDIS = "Redis full", 2
    BACK_UP_REDIS = "Redis backed up", 2
    ATTACH_REPLICA = "a replica attached for a while", 2
    STEP_REDIS_CLOCK = "clock of Redis stepped and set right", 1
    STEP_WORKER_CLOCK = "clock of a worker stepped", 2
    TERMINATE_BACKENDS = "database connections terminated", 3
    ROTATE_KEY = "one step of a change of keys", 1
    TRIM_LOG = "log trimmed", 4
    DROP_LOG = "log deleted", 2
    RESET_LINES = "lines reset", 3
    CUT_REPLIES = "replies lost", 5
    STALL_LINES = "lines stalled", 3

    def __init__(self, title: str, weight: int) -> None:
        self.title = title
        self.weight = weight


@dataclass(frozen=True, slots=True)
class Step:
    """A fault, when it begins, which of its targets it hits and for how long, as parts of what
    there is to choose from."""

    at: float
    fault: Fault
    target: float
    size: float

    def of(self, names: tuple[str, ...]) -> str:
        """The one it hits, if there are any."""
        return names[int(self.target * len(names))] if names else ""


def schedule(
    seed: int, *, seconds: float, pause: float, faults: Collection[Fault] = tuple(Fault)
) -> tuple[Step, ...]:
    """The plan of the nemesis: a fault every ``pause`` seconds, more or less."""
    chance = dice(seed, "nemesis")
    kinds = sorted(faults, key=lambda fault: fault.name)
    weights = [fault.weight for fault in kinds]
    steps, at = [], FIRST
    while kinds and at < seconds:
        (fault,) = chance.choices(kinds, weights)
        steps.append(Step(at, fault, chance.random(), chance.random()))
        at += chance.uniform(0.2, 1.8) * pause
    return tuple(steps)
