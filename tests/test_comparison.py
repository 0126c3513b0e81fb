"""docs/comparison.md: each row of ours names its tests, each claim about others a source."""

import gzip
import re
from pathlib import Path

import pytest

from tests.test_docs import DOCS, ROOT, rows, section

PAGE = (DOCS / "comparison.md").read_text()
CLIENT = (DOCS / "client.md").read_text()
HEADER, _, *TABLE = rows(PAGE.split("\n## Where")[0])
ROWS = [row for row in TABLE if not row[0].startswith("**")]
SOURCES = dict(re.findall(r"^\[(\w{2}-\w+)\]: (https://\S+)$", PAGE, re.MULTILINE))
TESTS = {
    name: re.findall(r"`([^`]+)`", files)
    for name, files in rows(section(PAGE, "## Where ours is tested"))[2:]
}
BUNDLES = ROOT / "realtime/static/realtime"
UNSOURCED = ("no", "not documented")


def kilobytes(name: str) -> float:
    """The size of a bundle, gzipped."""
    return len(gzip.compress((BUNDLES / name).read_bytes(), 9)) / 1000


def test_every_row_has_a_cell_for_every_client() -> None:
    assert len(HEADER) == 8
    assert [row for row in TABLE if len(row) != len(HEADER)] == []


def test_every_row_of_ours_has_tests() -> None:
    assert [row[0] for row in ROWS if row[1] != "no"] == list(TESTS)


@pytest.mark.parametrize("name", TESTS)
def test_the_tests_exist(name: str) -> None:
    assert TESTS[name]
    assert [file for file in TESTS[name] if not Path(ROOT, file).is_file()] == []


def test_every_claim_about_another_client_has_a_source() -> None:
    used = set()
    for name, _, *cells in ROWS[1:]:
        for cell in cells:
            found = re.fullmatch(r"\[.+\]\[([\w-]+)\]", cell)
            assert found or cell in UNSOURCED, (name, cell)
            used |= {found[1]} if found else set()
    assert used == SOURCES.keys()


def test_the_sizes_of_ours_are_those_of_the_bundles() -> None:
    core, element = re.findall(r"\d+", ROWS[0][1])
    assert abs(int(core) - kilobytes("realtime.js")) < 1
    assert abs(int(element) - kilobytes("realtime-status.js")) < 1
    assert f"of {core} KB gzipped, or of {element} KB with the status element" in CLIENT


def test_the_sizes_of_others_are_numbers() -> None:
    for size in ROWS[0][2:]:
        assert 1 < float(size) < 100
