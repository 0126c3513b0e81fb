"""Medians over rounds, ratios between servers, and both as a table."""

import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .servers import OURS

Figures = Mapping[str, float]
Rounds = Mapping[str, Sequence[Figures]]  # by the name of the server, in the order of the rounds

PACKAGES = ("Django", "channels", "daphne", "autobahn", "Twisted", "msgspec")


@dataclass(frozen=True, slots=True)
class Row:
    """A figure: its name, how the table calls it, its digits, and what ours must stay below."""

    name: str
    title: str
    digits: int
    goal: float | None = None


ROWS = (
    Row("idle_cpu_percent", "CPU while idle, % of one core", 2, goal=3.0),
    Row("beat_cpu_us", "CPU per beat, µs", 0),
    Row("connect_cpu_ms", "CPU per connect, ms", 2),
    Row("memory_kb", "memory per connection, KB", 1, goal=35.0),
    Row("tick_ms", "tick, mean, ms", 2),
    Row("longest_tick_ms", "tick, longest, ms", 1, goal=20.0),
)


def median(rounds: Sequence[Figures], name: str) -> float | None:
    """A figure's median over the rounds; None for a server that does not have it."""
    values = [figures[name] for figures in rounds if name in figures]
    return statistics.median(values) if values else None


def ratio(ours: Sequence[Figures], peer: Sequence[Figures], name: str) -> float | None:
    """The median of ours ÷ peer's within each round, where the machine was the same."""
    pairs = [
        (a[name], b[name]) for a, b in zip(ours, peer, strict=False) if name in a and b.get(name)
    ]
    return statistics.median([mine / theirs for mine, theirs in pairs]) if pairs else None


def table(rounds: Rounds, titles: Mapping[str, str], *, judge: bool) -> str:
    """The medians as a Markdown table; with ``judge``, also whether ours reach their goals."""
    peers = [name for name in rounds if name != OURS.name]
    head = ["", *(titles[name] for name in rounds), *(f"ours ÷ {peer}" for peer in peers)]
    lines = [[row.title, *_cells(row, rounds, peers)] for row in ROWS]
    if judge and OURS.name in rounds:
        head.append("goal")
        for line, row in zip(lines, ROWS, strict=True):
            line.append(_verdict(row, median(rounds[OURS.name], row.name)))
    return _markdown([head, *lines])


def _cells(row: Row, rounds: Rounds, peers: Sequence[str]) -> list[str]:
    medians = [_number(median(each, row.name), row.digits) for each in rounds.values()]
    ours = rounds.get(OURS.name, ())
    return [*medians, *(_number(ratio(ours, rounds[peer], row.name), 2) for peer in peers)]


def _verdict(row: Row, value: float | None) -> str:
    if row.goal is None or value is None:
        return ""
    return f"< {row.goal:g}" + ("" if value < row.goal else " **missed**")


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [text[0], rule, *text[1:]])


def circumstances() -> dict[str, Any]:
    """What the figures depend on: the machine and the versions."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _cpu() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in info.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()
