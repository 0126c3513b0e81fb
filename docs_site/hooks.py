"""Builds the site from pages written for a repository's reader: ``mkdocs.yml`` names these hooks.

Pages link to files of the repository, and indent lists as CommonMark does. Python-Markdown wants
four spaces a level, and MkDocs links within ``docs/`` only. The hooks translate both, so that each
page reads the same in the repository and on the site.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Pages outside of docs/, and their places on the site.
OUTSIDE = {
    "README.md": "index.md",
    "README.zh-hans.md": "zh-hans/index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "LICENSE": "license.txt",
}
# Scripts that the theme would load from another host.
SCRIPTS = {
    "scripts/iframe-worker.js": "iframe-worker/shim/index.js",
    "scripts/mermaid.js": "mermaid/dist/mermaid.min.js",
}
FENCE = re.compile(r" *(```+|~~~+)")
ITEM = re.compile(r"( *)([-*+]|\d+\.)( +)(?=\S)")
LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[#)])")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages outside of ``docs/`` and the scripts. Called by MkDocs."""
    from mkdocs.structure.files import File

    for source, place in OUTSIDE.items():
        files.append(File.generated(config, place, content=(ROOT / source).read_text()))
    modules = ROOT / "docs_site/node_modules"
    for place, script in SCRIPTS.items():
        files.append(File.generated(config, place, abs_src_path=str(modules / script)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Translates a page. Called by MkDocs."""
    return translate(markdown, page.file.src_uri)


def translate(markdown: str, place: str) -> str:
    """The page for Python-Markdown; ``place`` is its path on the site, such as ``zh-hans/x.md``."""

    def link(match: re.Match[str]) -> str:
        return _moved(match[1], place)

    return "\n".join(_indented(markdown, lambda line: LINK.sub(link, line))) + "\n"


def slug(heading: str, separator: str = "-") -> str:
    """The anchor of a heading: the same as in the repository."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def _moved(target: str, place: str) -> str:
    """The link target, relative to the page's file in the repository, as one within the site."""
    sources = {page: source for source, page in OUTSIDE.items()}
    source = sources.get(place, f"docs/{place}")
    target += "README.md" if target.endswith("/") else ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    moved = OUTSIDE.get(path, path.removeprefix("docs/"))
    return posixpath.relpath(moved, posixpath.dirname(place) or ".")


def _indented(markdown: str, edit: Callable[[str], str]) -> Iterator[str]:
    """Yields lines with four spaces per level of lists; ``edit`` changes those outside of code."""
    columns: list[int] = []  # where the content of each open list item begins
    fence = ""
    after_blank, in_paragraph = True, False  # a paragraph that no list item begins
    for line in markdown.splitlines():
        blank = not line.strip()
        indent = len(line) - len(line.lstrip(" "))
        while not blank and not fence and columns and indent < columns[-1]:
            columns.pop()
        column = columns[-1] if columns else 0
        margin, text = " " * 4 * len(columns), line[column:]
        in_paragraph = not blank and (in_paragraph or after_blank)
        after_blank = blank
        if found := FENCE.match(text):
            fence = "" if fence == found[1] else fence or found[1]
        elif not fence and (item := ITEM.match(text)):
            if in_paragraph:
                yield ""  # a list does not interrupt a paragraph in Python-Markdown
            columns.append(column + len(item[0]))
            text = item[2].ljust(4) + text[len(item[0]) :]
            in_paragraph = False
        yield "" if blank else margin + (text if fence else edit(text))
