"""Bars for a few figures, as an SVG that needs no library: one panel per figure."""

from collections.abc import Mapping, Sequence
from html import escape

from benchmarks.figures import Figure
from benchmarks.report import Suites, median, number

WIDTH = 720
LABELS = 190  # what the names of the contenders take
BAR, GAP, HEAD = 16, 6, 34
OURS_COLOUR, PEER_COLOUR = "#0b6e4f", "#9aa5b1"

STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2933}.t{font-weight:600;font-size:13px}"
    "@media(prefers-color-scheme:dark){text{fill:#e4e7eb}}"
)


def chart(suites: Suites, figures: Sequence[Figure], titles: Mapping[str, str]) -> str:
    """An SVG document with a panel for each figure that some server has."""
    parts: list[str] = []
    top = 0
    for figure in figures:
        values = {name: median(suites, figure, name) for name in titles}
        known = {name: value for name, value in values.items() if value is not None}
        if known:
            parts.append(_panel(figure, known, titles, top))
            top += HEAD + len(known) * (BAR + GAP) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        f'width="{WIDTH}" height="{top}" role="img">'
        f"<title>Less is better</title><style>{STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _panel(figure: Figure, values: Mapping[str, float], titles: Mapping[str, str], top: int) -> str:
    longest = max(values.values()) or 1.0
    room = WIDTH - LABELS - 70  # the rest is for the number behind the longest bar
    rows = [f'<text class="t" x="0" y="{top + 22}">{escape(figure.title)}</text>']
    for place, (name, value) in enumerate(values.items()):
        y = top + HEAD + place * (BAR + GAP)
        length = max(1.0, room * value / longest)
        said = number(value, figure.digits)
        colour = OURS_COLOUR if name.startswith("ours") else PEER_COLOUR
        rows.append(
            f'<text x="{LABELS - 8}" y="{y + 12}" text-anchor="end">{escape(titles[name])}</text>'
            f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" '
            f'fill="{colour}"/>'
            f'<text x="{LABELS + length + 6:.1f}" y="{y + 12}">{said}</text>'
        )
    return "".join(rows)
