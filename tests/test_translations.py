"""The Chinese pages keep in step with the English ones: headings, code, tables, links."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CLIENT = (ROOT / "docs/client.md").read_text()
ELEMENT = CLIENT.split("\n## The status element\n")[1].split("\n## ")[0] + "\n"
CHINESE_README = (ROOT / "README.zh-hans.md").read_text()
CHINESE_ELEMENT = (ROOT / "docs/zh-hans/status-element.md").read_text()

PAIRS = {
    "README": (README, CHINESE_README),
    # A section there is a page here, so its headings are one level higher.
    "status-element": ("# Title\n" + ELEMENT.replace("\n### ", "\n## "), CHINESE_ELEMENT),
}
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"\s*(?:(?<!:)//|#(?![0-9a-f]{6}\b)|<!--).*$", re.MULTILINE)


class Page(NamedTuple):
    headings: list[int]  # their levels
    code: list[str]
    commands: list[str]  # indented blocks
    tables: list[tuple[int, int]]  # columns and rows
    spans: list[str]  # of the tables' cells


def without_comments(code: str) -> list[str]:
    return [line for line in COMMENT.sub("", code).splitlines() if line.strip()]


def outline(text: str) -> Page:
    """The parts of a page that do not depend on its language."""
    code = [f"{kind}:{without_comments(body)}" for _, kind, body in FENCE.findall(text)]
    prose = FENCE.sub("", text)
    commands = re.findall(r"^(?: {4}|       )(?! )((?:make|pip|python) .+)$", prose, re.MULTILINE)
    tables = re.findall(r"(?:^\|.*\n)+", prose, re.MULTILINE)
    return Page(
        headings=[len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)],
        code=code,
        commands=[COMMENT.sub("", command) for command in commands],
        tables=[(table.splitlines()[0].count("|"), table.count("\n")) for table in tables],
        spans=[span for table in tables for span in re.findall(r"`[^`]+`", table)],
    )


@pytest.mark.parametrize("name", PAIRS)
def test_headings_code_commands_and_tables_are_the_same(name: str) -> None:
    english, chinese = (outline(text) for text in PAIRS[name])
    assert len(english.headings) > 2
    assert english.code
    for ours, theirs in zip(chinese, english, strict=True):
        assert ours == theirs


def targets(text: str) -> set[str]:
    return {link for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)) if ":" not in link}


def test_the_chinese_readme_leads_to_every_page_that_the_english_one_leads_to() -> None:
    missing = targets(README) - targets(CHINESE_README)
    assert missing <= {"README.zh-hans.md"}


def test_each_page_leads_to_its_twin() -> None:
    assert "[简体中文](README.zh-hans.md)" in README
    assert "[English](README.md)" in CHINESE_README
    assert "(zh-hans/status-element.md)" in ELEMENT
    assert "[English](../client.md#the-status-element)" in CHINESE_ELEMENT


@pytest.mark.parametrize("text", [CHINESE_README, CHINESE_ELEMENT], ids=["README", "element"])
def test_chinese_sentences_have_chinese_punctuation(text: str) -> None:
    prose = re.sub(r"`[^`]*`|\([^)]*\)", "", FENCE.sub("", text))
    assert re.findall(r"[\u4e00-\u9fff][,;:?!]", prose) == []


def test_a_changed_block_a_missing_heading_and_another_table_are_found() -> None:
    text = "# A\n\n```js\nf();  // x\n```\n\n| a |\n|---|\n| `b` |\n\n    make run     # y\n"
    same = text.replace("// x", "// 甲").replace("# y", "# 乙").replace("# A", "# 甲")
    assert outline(text) == outline(same)
    for old, new in [("f()", "g()"), ("# A\n", ""), ("`b`", "`c`"), ("make run", "make test")]:
        assert outline(text) != outline(text.replace(old, new))
