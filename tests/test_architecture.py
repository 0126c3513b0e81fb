"""The maintainers' pages name only what exists: files, modules, classes, methods, make targets."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.test_docs import fences, rows, section
from tests.word_list import tracked

ROOT = Path(__file__).parents[1]
PAGES = tracked(
    ["CONTRIBUTING.md", "docs/architecture.md", "docs/extending.md", "docs/decisions/*.md"]
)
SOURCES = tracked(["realtime/*.py", "tests/*.py", "benchmarks/*.py"])
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
FOLDERS = (ROOT, ROOT / "realtime", ROOT / "realtime/store/redis/lua")


def definitions(path: Path) -> set[str]:
    """Names that a module defines: ``function``, ``Class``, ``Class.method``, ``CONSTANT``."""
    return set(_defined(ast.parse(path.read_text()).body))


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
                yield from (f"{name}.{inner}" for inner in _defined(node.body))
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


@pytest.fixture(scope="module")
def defined() -> set[str]:
    """The names that all modules define."""
    return {name for path in SOURCES for name in definitions(path)}


def find(name: str) -> bool:
    """Whether a path exists, from the root, from ``realtime/`` or from the Lua scripts; ``build/``
    is generated."""
    if name.startswith("build/"):
        return True
    return any(list(folder.glob(name.rstrip("/"))) for folder in FOLDERS)


def spans(page: Path) -> list[str]:
    """The code spans of a page, those of fenced blocks excluded."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_files_that_a_page_names_exist(page: Path, defined: set[str]) -> None:
    named = {
        span
        for span in spans(page)
        if re.fullmatch(r"[\w.*-]+(/[\w.*<>-]*)+|\w+\.(?:py|lua|js|json|md|toml)", span)
    }
    assert not [name for name in named if not find(name) and name not in defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_names_that_a_page_uses_are_defined(page: Path, defined: set[str]) -> None:
    classes = {span for span in spans(page) if re.fullmatch(r"(?:[A-Z][a-z]+){2,}(\.\w+)?", span)}
    calls = {span[:-2] for span in spans(page) if re.fullmatch(r"(?:[A-Z]\w*\.)?\w+\(\)", span)}
    assert classes - defined == set()
    # A method without its class, or an attribute set in ``__init__``.
    last_parts = {name.rpartition(".")[2] for name in defined}
    assert {name for name in calls if name.rpartition(".")[2] not in last_parts} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_make_targets_that_a_page_names_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", page.read_text())) <= targets


FOLDERS_WITHOUT_CODE = {"locale", "migrations", "static", "templates"}


@pytest.mark.parametrize("package", ["", "worker/"])
def test_the_map_has_every_module(package: str) -> None:
    text = section(ARCHITECTURE, "## Folders and arrows")
    modules = {
        f"{package}{path.name}" + "/" * path.is_dir()
        for path in (ROOT / "realtime" / package).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    left_out = {f"{package}__init__.py"} | {f"{name}/" for name in FOLDERS_WITHOUT_CODE}
    assert modules - left_out - set(re.findall(r"`([^`\n]+)`", text)) == set()


@pytest.mark.parametrize(
    "row", rows(section(ARCHITECTURE, "## Ten questions, ten words"))[2:], ids=lambda row: row[1]
)
def test_a_search_for_the_obvious_word_finds_the_file(row: list[str]) -> None:
    word = re.compile(row[1].strip("`"), re.IGNORECASE)
    code = tracked(["realtime/*.py", "realtime/*.lua"])
    found = {path for path in code if word.search(path.stem + path.read_text())}
    for name in re.findall(r"`([^`]+)`", row[2]):
        path = ROOT / "realtime" / name
        assert path in found
        assert len(found) <= 7 or word.search(path.stem)


# Sequence diagrams: each message to a file begins with a name that this file defines.


class Message(NamedTuple):
    file: str
    name: str


def messages(diagram: str) -> Iterator[Message]:
    """Yields the messages of a Mermaid diagram whose receiver is a Python file."""
    files = dict(re.findall(r"participant (\w+) as (\S+\.py)\b", diagram))
    for receiver, name in re.findall(r"--?>>[+-]?(\w+): ([\w.]+)", diagram):
        if receiver in files:
            yield Message(files[receiver], name)


DIAGRAMS = fences(ARCHITECTURE, "mermaid")
MESSAGES = [message for diagram in DIAGRAMS for message in messages(diagram)]


def test_there_are_five_sequences() -> None:
    assert sum("sequenceDiagram" in diagram for diagram in DIAGRAMS) == 5


@pytest.mark.parametrize("message", MESSAGES, ids=" ".join)
def test_a_sequence_calls_what_a_file_defines(message: Message) -> None:
    assert message.name in definitions(ROOT / "realtime" / message.file)


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: diagram.split("\n", 1)[0])
def test_the_participants_of_a_sequence_exist(diagram: str) -> None:
    files = re.findall(r"participant \w+ as (\S+/\S+|\S+\.py)", diagram)
    assert [name for name in files if not find(name)] == []
