"""Medians over rounds, ratios between contenders, and both as tables."""

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.figures import Figure, Goal
from benchmarks.rounds import Figures, Results

Suites = Mapping[str, Results]


def median(suites: Suites, figure: Figure, contender: str) -> float | None:
    """A figure's median over the rounds; None for a contender that does not have it."""
    values = [each[figure.name] for each in _rounds(suites, figure, contender)]
    return statistics.median(values) if values else None


def ratio(suites: Suites, figure: Figure, ours: str, theirs: str) -> float | None:
    """The median of ours ÷ theirs within each round, where the machine was the same."""
    pairs = zip(_rounds(suites, figure, ours), _rounds(suites, figure, theirs), strict=False)
    ratios = [a[figure.name] / b[figure.name] for a, b in pairs if b[figure.name]]
    return statistics.median(ratios) if ratios else None


def _rounds(suites: Suites, figure: Figure, contender: str) -> Sequence[Figures]:
    results = suites.get(figure.suite, Results())
    return [each for each in results.rounds.get(contender, ()) if figure.name in each]


def medians_table(suites: Suites, figures: Sequence[Figure], titles: Mapping[str, str]) -> str:
    """A row per figure and a column per contender that was measured; "" for none."""
    medians = {name: [median(suites, figure, name) for figure in figures] for name in titles}
    known = {name: values for name, values in medians.items() if any(values)}
    if not known:
        return ""
    head = ["median of the rounds", *(titles[name] for name in known)]
    rows = [
        [figure.title, *(number(value, figure.digits) for value in values)]
        for figure, *values in zip(figures, *known.values(), strict=True)
        if any(values)
    ]
    return markdown([head, *rows])


def goals_table(
    suites: Suites, goals: Sequence[Goal], titles: Mapping[str, str], *, judge: bool
) -> str:
    """The goals of ours; with ``judge``, whether they are met. "" if none was measured."""
    rows = [row for goal in goals if (row := _goal_row(suites, goal, titles, judge=judge))]
    if not rows:
        return ""
    return markdown([["goal", "measured", "at most", *([""] if judge else [])], *rows])


def value_of(suites: Suites, goal: Goal) -> float | None:
    """The value compared with a goal: a median, or a ratio."""
    if goal.beside:
        return ratio(suites, goal.figure, goal.of, goal.beside)
    return median(suites, goal.figure, goal.of)


def _goal_row(
    suites: Suites, goal: Goal, titles: Mapping[str, str], *, judge: bool
) -> list[str] | None:
    value = value_of(suites, goal)
    if value is None:
        return None
    title = f"{goal.figure.title}: {titles[goal.of]}"
    if goal.beside:
        title += f" ÷ {titles[goal.beside]}"
    verdict = ["" if value <= goal.most else "**missed**"] if judge else []
    digits = 3 if goal.beside else goal.figure.digits
    return [title, number(value, digits), f"{goal.most:,g}", *verdict]


def failures(suites: Suites, titles: Mapping[str, str]) -> list[str]:
    """A sentence for each contender that did not get through a suite."""
    return [
        f"{titles[name]}, {suite}: {why.splitlines()[0]}"
        for suite, results in suites.items()
        for name, why in results.failures.items()
    ]


def number(value: float | None, digits: int) -> str:
    """As it stands in a table; "" for none."""
    return "" if value is None else f"{value:,.{digits}f}"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table: the first line is its head, the first column is text, the others are numbers."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    rule = ["-" * widths[0], *("-" * (max(width, 2) - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [text[0], rule, *text[1:]])
