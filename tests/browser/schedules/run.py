"""Many rounds, each in a browser context of its own."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from . import components, plan
from .components import ComponentRound
from .plan import Step, schedule
from .tabs import TabRound
from .world import World

LOG_LENGTHS = {"tabs": plan.LOG_LENGTH, "components": components.LOG_LENGTH}


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that is wrong in a round, its steps, and how many events its readers had."""

    name: str
    faults: list[str]
    events: Counter[str]
    steps: tuple[Step, ...] = field(default=())

    def __str__(self) -> str:
        return "\n  ".join([self.name, *map(str, self.steps), *self.faults])


def play(
    world: World, kind: str, seed: int, numbers: Iterable[int], *, fault: str = ""
) -> Iterator[Verdict]:
    """The rounds with these numbers; ``kind`` is one of LOG_LENGTHS."""
    for number in numbers:
        name = f"chat:{seed}-{number}"
        with world.context() as context:
            if kind == "components":
                mounted = ComponentRound(world, context, name)
                yield Verdict(name, mounted.play(), mounted.events)
            else:
                steps = schedule(seed, number)
                tabs = TabRound(world, context, name, fault=fault)
                yield Verdict(name, tabs.play(steps), tabs.events, steps)
