"""Interleaved rounds: in each, every contender runs once, one after the other, so that
so that other load of the machine meets them all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.driver import LoadFailed
from benchmarks.servers import ServerFailed

Figures = Mapping[str, float]
Run = Callable[[], Figures]


@dataclass(slots=True)
class Results:
    """The figures of a suite by contender, in the order of the rounds; why one has none."""

    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, figures: Figures) -> None:
        """One more round of a contender."""
        self.rounds.setdefault(name, []).append(figures)

    def fail(self, name: str, why: str) -> None:
        """A contender that has failed once is out: it has no median."""
        self.rounds.pop(name, None)
        self.failures[name] = why


def interleave(runs: Mapping[str, Run], count: int, *, say: Callable[[str], None]) -> Results:
    """Run every contender ``count`` times, except those that have failed."""
    results = Results()
    for number in range(1, count + 1):
        for name in [name for name in runs if name not in results.failures]:
            say(f"  round {number} of {count}: {name}")
            try:
                figures = runs[name]()
            except (ServerFailed, LoadFailed) as error:
                results.fail(name, str(error))
                say(f"    {error}")
            else:
                results.add(name, figures)
                say("    " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))
    return results
