"""The schedules: what happens to the tabs of a round, made from its seed."""

import random
from dataclasses import dataclass
from enum import Enum
from typing import Any

STEPS = 7
MOST_TABS = 3
LOG_LENGTH = 150  # more than a round publishes without a burst
REWIND = 5
FAULTS = ("late position", "forgotten place")  # that a page may have
READERS = ("rendered", "last", "rewind", "now", "joined")


class Deed(Enum):
    """The deeds, and how often each is chosen."""

    OPEN = "a new tab", 3
    PUBLISH = "publications", 2
    RELOAD = "reload", 6
    RELOAD_TWICE = "reload, and again while the page loads", 2
    RETURN = "another page, and back", 2
    CACHED = "another page, and back by the browser's cache", 2
    DUPLICATE = "the tab duplicated", 2
    CLOSE = "the tab closed", 1
    RESET = "connections reset", 3
    CUT = "no connection for a while", 3
    STALL = "nothing arrives for a while", 2
    RESTART = "the server restarted", 1
    KILL = "the server killed", 1
    BURST = "without a connection, more publications than the log keeps", 1
    LOSE_REDIS = "Redis restarted without its data", 1

    def __init__(self, title: str, weight: int) -> None:
        self.title = title
        self.weight = weight


# Only after these may publications be lost, with a notice.
LOSSES = {Deed.BURST, Deed.LOSE_REDIS}


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a page is rendered: within a transaction or not, so many writes before each of its
    statements; and who reads the room in it. With ``late`` it joins only after these writes."""

    transaction: bool
    writes: tuple[int, ...]
    readers: tuple[str, ...]
    late: int

    def query(self, room: str, *, tab: int, fault: str) -> dict[str, Any]:
        """As the view takes it."""
        return {
            **{"room": room, "tab": tab, "fault": fault, "late": bool(self.late)},
            **{"transaction": self.transaction, "writes": self.writes, "readers": self.readers},
        }


@dataclass(frozen=True, slots=True)
class Step:
    """A deed, to which tab, how the page is rendered that is opened, and how many publications
    there are meanwhile."""

    deed: Deed
    tab: int
    rendering: Rendering
    count: int


def schedule(seed: int, number: int) -> tuple[Step, ...]:
    """The steps of a round. The first opens a tab."""
    chance = random.Random(f"{seed} {number}")
    tabs, opened = [0], 1
    steps = [step(chance, Deed.OPEN, 0)]
    deeds = list(Deed)
    while len(steps) < STEPS:
        [deed] = chance.choices(deeds, [deed.weight for deed in deeds])
        if deed in (Deed.OPEN, Deed.DUPLICATE) and len(tabs) == MOST_TABS:
            continue
        if deed is Deed.CLOSE and len(tabs) == 1:
            continue
        steps.append(step(chance, deed, opened if deed is Deed.OPEN else chance.choice(tabs)))
        if deed in (Deed.OPEN, Deed.DUPLICATE):
            tabs.append(opened)
            opened += 1
        if deed is Deed.CLOSE:
            tabs.remove(steps[-1].tab)
    return tuple(steps)


def step(chance: random.Random, deed: Deed, tab: int) -> Step:
    rendering = Rendering(
        transaction=chance.random() < 0.7,
        writes=tuple(chance.choice((0, 0, 1, 2)) for _ in range(4)),
        readers=tuple(chance.sample(READERS, chance.choice((1, 1, 2, 3, 5)))),
        late=chance.choice((0, 0, 1, 4)),
    )
    return Step(deed, tab, rendering, chance.choice((0, 1, 3, 8)))
