"""The results of a run: its text, its file, its place in a page."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.chart import chart
from benchmarks.circumstances import as_sentence
from benchmarks.document import replace_block
from benchmarks.figures import (
    BEAT,
    CROWD,
    DELIVERY,
    GOALS,
    IDLE,
    MEMORY,
    PAGE_FIGURES,
    SERVER_FIGURES,
    STORE_FIGURES,
)
from benchmarks.kinds import KINDS
from benchmarks.report import failures, goals_table, medians_table
from benchmarks.rounds import Results
from benchmarks.suites.browser import CLIENTS

STORES = {"redis": "Redis", "database": "SQLite"}
SERVERS = {name: kind.title for name, kind in KINDS.items()}
PAGES = {name: client.title for name, client in CLIENTS.items()}
TITLES = SERVERS | STORES | PAGES

CHARTED = (DELIVERY, BEAT, MEMORY, IDLE, CROWD)
CHART = Path("images") / "benchmarks.svg"  # beside the page


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results by suite, and under what circumstances they came about."""

    circumstances: Mapping[str, str]
    suites: Mapping[str, Results]
    is_full: bool
    store: str

    @classmethod
    def read(cls, path: Path) -> "Outcome":
        """As :meth:`write` has left it. Raises OSError."""
        found = json.loads(path.read_text())
        suites = {name: Results(**results) for name, results in found.pop("suites").items()}
        return cls(suites=suites, **found)

    def write(self, path: Path) -> None:
        """Everything, every round's figures included, as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def text(self) -> str:
        """The tables in Markdown."""
        parts = [
            self._introduction(),
            medians_table(self.suites, SERVER_FIGURES, SERVERS),
            medians_table(self.suites, STORE_FIGURES, STORES),
            medians_table(self.suites, PAGE_FIGURES, PAGES),
            goals_table(self.suites, GOALS, TITLES, judge=self.is_full),
            *(f"No figures of {sentence}" for sentence in failures(self.suites, TITLES)),
            as_sentence(self.circumstances),
        ]
        return "\n\n".join(part for part in parts if part)

    def publish(self, page: Path) -> None:
        """Write tables and chart into a page. Raises ValueError if it has no place for them."""
        picture = page.parent / CHART
        block = f"![Bars: less is better]({CHART})\n\n{self.text()}"
        page.write_text(replace_block(page.read_text(), block))
        picture.write_text(chart(self.suites, CHARTED, SERVERS))

    def _introduction(self) -> str:
        size = "" if self.is_full else "A quick run, with fewer of everything: it judges nothing. "
        rounds = ", ".join(
            _rounds(suite, results) for suite, results in self.suites.items() if results.rounds
        )
        return f"{size}Rounds: {rounds}. Store of ours: {STORES[self.store]}."


def _rounds(suite: str, results: Results) -> str:
    """How many a suite has had, and who was not in all of them."""
    counts = {name: len(figures) for name, figures in results.rounds.items()}
    most = max(counts.values())
    fewer = [f"{TITLES[name]}: {count}" for name, count in counts.items() if count < most]
    return f"{most} of {suite}" + (f" ({', '.join(fewer)})" if fewer else "")
