"""Guards for the layout and the size of the code: what a reader may rely on when opening a file."""

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.test_docs import fences
from tests.word_list import INVERSIONS, PRONOUNS, findings, tracked

ROOT = Path(__file__).parents[1]
PYTHON = tracked(["realtime/*.py"])
JAVASCRIPT = tracked(["realtime/js/*.js"])
PAGES = tracked(["README.md", "CONTRIBUTING.md", "docs/*.md"])

# What users may import; everything else may move from one release to the next.
PUBLIC = {
    "realtime.admin",
    "realtime.api",
    "realtime.client",
    "realtime.conf",
    "realtime.consumers",
    "realtime.models",
    "realtime.routing",
    "realtime.signals",
    "realtime.testing",
    "realtime.urls",
}
DJANGOS = {"Command", "Meta", "Migration"}

FunctionDef = (ast.FunctionDef, ast.AsyncFunctionDef)


class Function(NamedTuple):
    place: str
    lines: int


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nested(function: ast.AST) -> Iterator[ast.AST]:
    """Yields the functions directly within a function, not those within these."""
    for child in ast.iter_child_nodes(function):
        if isinstance(child, FunctionDef):
            yield child
        else:
            yield from nested(child)


def span(node: ast.AST) -> int:
    assert isinstance(node, FunctionDef)
    return (node.end_lineno or node.lineno) - node.lineno + 1


def functions(path: Path) -> Iterator[Function]:
    """Yields every function with its lines: docstring included, nested functions excluded."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, FunctionDef):
            own = span(node) - sum(map(span, nested(node)))
            yield Function(f"{relative(path)}:{node.lineno} {node.name}", own)


@pytest.fixture(scope="module")
def all_functions() -> list[Function]:
    """Every function, the shortest first."""
    found = (function for path in PYTHON for function in functions(path))
    return sorted(found, key=lambda one: one.lines)


def test_no_function_has_more_than_40_lines(all_functions: list[Function]) -> None:
    assert [function for function in all_functions if function.lines > 40] == []


def test_most_functions_are_short(all_functions: list[Function]) -> None:
    assert all_functions[len(all_functions) // 2].lines <= 6
    assert all_functions[len(all_functions) * 9 // 10].lines <= 15


def test_no_file_has_more_than_350_lines() -> None:
    assert PYTHON
    assert JAVASCRIPT
    lengths = {relative(path): len(path.read_text().splitlines()) for path in PYTHON + JAVASCRIPT}
    longer = {name: length for name, length in lengths.items() if length > 350}
    assert longer == {}


def test_the_worker_has_at_most_eight_files_of_its_own() -> None:
    assert len(list((ROOT / "realtime/worker").glob("*.py"))) <= 8


def test_no_public_class_name_has_two_meanings() -> None:
    places = defaultdict(set)
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(f"{relative(path)}:{node.lineno}")
    twice = {name: sorted(where) for name, where in places.items() if len(where) > 1}
    assert {name for name, where in twice.items() if not are_twins(where)} <= DJANGOS, twice


def are_twins(places: list[str]) -> bool:
    """Whether these are one part of the store contract, in the database and in Redis."""
    folders = [place.rpartition("/")[0] for place in places]
    return folders == ["realtime/store/database", "realtime/store/redis"]


# Documented imports


class Import(NamedTuple):
    module: str
    name: str

    @property
    def is_public(self) -> bool:
        return not {self.module, f"{self.module}.{self.name}"}.isdisjoint(PUBLIC)


def imports(code: str) -> Iterator[Import]:
    """Yields each ``from realtime… import name`` in a piece of code."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "realtime":
            yield from (Import(node.module or "", alias.name) for alias in node.names)


DOCUMENTED = sorted(
    {
        found
        for page in PAGES
        for code in fences(page.read_text(), "python")
        for found in imports(code)
    }
)


@pytest.mark.parametrize("found", DOCUMENTED, ids=".".join)
def test_documented_names_can_be_imported_from_public_modules(found: Import) -> None:
    assert found.is_public
    module = importlib.import_module(found.module)
    assert hasattr(module, found.name) or importlib.import_module(".".join(found))


def test_the_demo_project_imports_from_public_modules_only() -> None:
    used = {found for path in tracked(["project/*.py"]) for found in imports(path.read_text())}
    assert not [found for found in used if not found.is_public]


# Words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("# Nobody waits for it.", ["Nobody"]),
        ("def test_for_whom_it_is() -> None: ...", ["whom"]),
        ('"""What a worker knows."""', ['"""What']),
        ("    // Who comes back is early.", ["// Who"]),
        ("It ends. What is left goes away.", [". What"]),
        ("the client is told", ["is told"]),
        ("What is a room? A log.", []),
        ("the noun: nobodys", []),
    ],
)
def test_the_word_list_finds_pronouns_and_inversions(
    line: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.word_list.ROOT", tmp_path)
    (tmp_path / "some.py").write_text(line)
    found = findings(tmp_path / "some.py", [*PRONOUNS, *INVERSIONS])
    assert [finding.words for finding in found] == words
