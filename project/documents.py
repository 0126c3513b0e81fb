"""The documentation of this repository, rendered for the demo's pages."""

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

ROOT = settings.BASE_DIR
DOCS = ROOT / "docs"
# Pages link to these, too.
OUTSIDE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "README.zh-hans.md",
    "SECURITY.md",
)

# Without raw HTML, so a page cannot contain scripts.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def overview() -> list[tuple[str, str]]:
    """Paths and headings of the pages in ``docs/``."""
    pages = sorted(DOCS.glob("*.md"))
    return [(path.relative_to(ROOT).as_posix(), heading(path)) for path in pages]


def heading(path: Path) -> str:
    """The first line of a page, without its ``#``."""
    return path.read_text("utf-8").partition("\n")[0].lstrip("# ")


def find(name: str) -> Path | None:
    """The file of this path, such as ``docs/client.md``; None outside of the documentation."""
    path = (ROOT / name).resolve()
    within = path.is_relative_to(DOCS) or name in OUTSIDE
    return path if within and path.is_file() else None


async def search(text: str) -> AsyncIterator[dict[str, str]]:
    """The sections of the pages in ``docs/`` that contain a text, as they are found: each with its
    ``path``, which has an anchor, its ``heading``, and the ``page``'s."""
    for path in sorted(DOCS.glob("*.md")):
        found = await asyncio.to_thread(sections, path)
        title = found[0][0]
        for heading, content in found:
            if text.lower() in content.lower():
                anchor = f"docs/{path.name}#{slug(heading)}"
                plain = heading.replace("`", "")
                yield {"path": anchor, "heading": plain, "page": title}


def sections(path: Path) -> list[tuple[str, str]]:
    """The heading of each section of a page, and its text with the heading."""
    found: list[tuple[str, str]] = []
    for before, token in pairwise(_markdown.parse(path.read_text("utf-8"))):
        if before.type == "heading_open":
            found.append((token.content, token.content))
        elif found and token.content:
            heading, content = found[-1]
            found[-1] = (heading, f"{content}\n{token.content}")
    return found


def render(path: Path) -> SafeString:
    """The page as HTML; headings have the anchors that other pages link to."""
    tokens = _markdown.parse(path.read_text("utf-8"))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slug(inline.content))
    html: str = _markdown.renderer.render(tokens, _markdown.options, {})
    return mark_safe(html)  # noqa: S308  # our own pages, and the renderer escapes HTML in them


def slug(text: str) -> str:
    """The anchor of a heading, as repositories and the site make it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
