"""The words of `make lint`: counts riddles in code and docs, and fails where there are too many.

Run it as ``python -m tests.word_list [AREA…]``. It prints each finding as ``file:line: word (write
this instead)`` for areas above their ceiling and for those named. Ceilings only go down.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Rule(NamedTuple):
    pattern: re.Pattern[str]
    instead: str


class Area(NamedTuple):
    """Files by Git's path patterns, and how many pronouns and inversions may be left in them."""

    paths: tuple[str, ...]
    pronouns: int
    inversions: int


class Finding(NamedTuple):
    place: str
    words: str
    instead: str


def _word(word: str, instead: str) -> Rule:
    """A whole word in any case; in names, underscores separate words."""
    return Rule(re.compile(rf"(?<![a-z]){word}(?![a-z])", re.IGNORECASE), instead)


PRONOUNS = (
    _word("nobody", "the noun: no client, no worker, no other call"),
    _word("somebody", "the noun: a client, a user, another worker"),
    _word("whoever", "the noun: the caller, a client that …, clients that …"),
    _word("whatever", "any, all, even if, or the cases by name"),
    _word("whom", "the noun: the connections that …"),
)
INVERSIONS = (
    Rule(re.compile(r'(?:"""|/\*\* )(?:What|Who|Whose|Those) '), "the noun or the verb first"),
    Rule(
        re.compile(r"(?:^\s*(?:#|--|//|\*|-|\|)? ?|[.:;!] )(?:What|Who|Whose) (?!.*\?)"),
        "the subject first: 'The store keeps …', not 'What the store keeps is …'",
    ),
    Rule(
        re.compile(r"\b(?:is|are|was|were|be|been|being) (?:told|said|heard)\b", re.IGNORECASE),
        "who sends what: 'the worker sends …', 'the client receives …'",
    ),
)

CODE = ("realtime/*.py", ":!realtime/migrations/*")
PROGRAMS = ("tests/*.py", "project/*.py", "benchmarks/*.py", "docs_site/*.py", "release/*.py")
AREAS = {
    "python": Area(CODE, pronouns=0, inversions=0),
    "javascript": Area(("*.js", ":!realtime/static/*"), pronouns=0, inversions=0),
    "lua": Area(("*.lua",), pronouns=0, inversions=0),
    "docs": Area(("*.md", ":!CHANGELOG.md"), pronouns=0, inversions=0),
    "tests": Area(PROGRAMS, pronouns=2, inversions=0),
}
# Lines in which such a word is right: (path, part of the line).
ALLOWED = (
    ("tests/word_list.py", ""),
    ("tests/test_house.py", ""),
)


def tracked(paths: Iterable[str]) -> list[Path]:
    """Files of the repository that match Git's path patterns, sorted."""
    command = ["git", "ls-files", "-z", "--", *paths]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(path for name in listing.split("\0") if name and (path := ROOT / name).is_file())


def findings(path: Path, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Yields one finding per match in the file. Markdown headings and allowed lines are skipped."""
    name = path.relative_to(ROOT).as_posix()
    allowed = [part for file, part in ALLOWED if file == name]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if any(part in line for part in allowed) or (path.suffix == ".md" and line[:1] == "#"):
            continue
        for rule in rules:
            for match in rule.pattern.finditer(line):
                yield Finding(f"{name}:{number}", match[0].strip(), rule.instead)


def report(name: str, area: Area, *, show: bool) -> Iterator[str]:
    """Yields the lines for an area; one that ends in "too many" fails the run."""
    files = tracked(area.paths)
    for kind, rules, ceiling in (
        ("pronouns", PRONOUNS, area.pronouns),
        ("inversions", INVERSIONS, area.inversions),
    ):
        found = [finding for path in files for finding in findings(path, rules)]
        if show or len(found) > ceiling:
            yield from (f"{place}: {words!r} (write {instead})" for place, words, instead in found)
        if len(found) != ceiling:
            verdict = "too many" if len(found) > ceiling else "lower the ceiling"
            yield f"{name}: {len(found)} {kind}, at most {ceiling}: {verdict}"


def main(chosen: list[str]) -> int:
    """Checks every area and shows all findings of the chosen ones. Returns the exit code."""
    lines = [
        line for name, area in AREAS.items() for line in report(name, area, show=name in chosen)
    ]
    sys.stdout.writelines(line + "\n" for line in lines)
    return int(any(line.endswith(": too many") for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
