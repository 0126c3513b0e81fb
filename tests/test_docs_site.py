"""The site has every page, with the links and lists that the repository's reader sees."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Page, expect, sync_playwright

from docs_site.hooks import OUTSIDE, slug, translate
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.polling import eventually
from tests.test_docs import slug as repository_slug
from tests.word_list import tracked

ROOT = Path(__file__).parents[1]
CONFIG = (ROOT / "mkdocs.yml").read_text()
# Pages by their places on the site.
SOURCES = {path.relative_to(ROOT / "docs").as_posix(): path for path in tracked(["docs/*.md"])} | {
    place: ROOT / source for source, place in OUTSIDE.items() if place.endswith(".md")
}


def test_the_navigation_has_every_page() -> None:
    listed = re.findall(r"^ +- (\S+\.md)$", CONFIG, re.MULTILINE)
    assert sorted(listed) == sorted(SOURCES)


@pytest.mark.parametrize(
    ("place", "link", "moved"),
    [
        ("index.md", "docs/client.md#options", "client.md#options"),
        ("index.md", "docs/images/a.png", "images/a.png"),
        ("index.md", "LICENSE", "license.txt"),
        ("client.md", "../README.md#quick-start", "index.md#quick-start"),
        ("client.md", "deploy/nginx.conf", "deploy/nginx.conf"),
        ("architecture.md", "decisions/", "decisions/README.md"),
        ("decisions/own-servers.md", "../extending.md", "../extending.md"),
        ("zh-hans/index.md", "docs/zh-hans/status-element.md", "status-element.md"),
        ("zh-hans/index.md", "docs/client.md", "../client.md"),
        ("zh-hans/status-element.md", "../../README.zh-hans.md", "index.md"),
    ],
)
def test_links_between_files_become_links_within_the_site(
    place: str, link: str, moved: str
) -> None:
    assert translate(f"see [it]({link}).", place) == f"see [it]({moved}).\n"


def test_addresses_anchors_and_code_stay_as_they_are() -> None:
    text = "[a](https://example.com/x.md) [b](#c)\n\n```js\n- list[0](docs/x.md)\n  f()\n```\n"
    assert translate(text, "index.md") == text


def test_lists_are_indented_by_four_spaces_a_level() -> None:
    text = """\
Text:
- a
  more

  ```py
  if x:
    y
  ```
10. c

    text
11. d

End.
"""
    expected = """\
Text:

-   a
    more

    ```py
    if x:
      y
    ```

10. c

    text

11. d

End.
"""
    assert translate(text, "index.md") == expected


def test_anchors_are_those_of_the_repository() -> None:
    for path in SOURCES.values():
        for heading in re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE):
            assert slug(heading) == repository_slug(heading)


# The site itself


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        ["make", "build/docs/.installed", f"PYTHON={sys.executable}"], cwd=ROOT, check=True
    )
    command = ["build/docs/bin/mkdocs", "--quiet", "build", "--strict", "--site-dir", str(folder)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, check=True, env=env)
    return folder


@pytest.fixture
def page(site: Path) -> Iterator[Page]:
    """A page of a browser that fails every request that leaves the folder."""
    left: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.on("request", lambda request: left.append(request.url))
        yield page
        browser.close()
    assert [url for url in left if not url.startswith(("file:", "blob:", "data:"))] == []


def elements(html: str) -> Counter[str]:
    tags = ("li", "table", "tr", "td", "pre", "img", "h1", "h2", "h3", "code")
    return Counter({tag: len(re.findall(rf"<{tag}[ >]", html)) for tag in tags})


@pytest.mark.matrix
@pytest.mark.timeout(600)
def test_every_page_has_the_elements_that_the_repository_shows(site: Path) -> None:
    reference = MarkdownIt("commonmark").enable("table")
    for place, source in SOURCES.items():
        name = place.replace("README.md", "index.md").replace(".md", ".html")
        article = (site / name).read_text().split("<article")[1].split("</article>")[0]
        assert elements(article) == elements(reference.render(source.read_text())), place


@pytest.mark.matrix
@pytest.mark.timeout(600)
def test_diagrams_and_the_search_work_from_a_folder_without_a_network(
    site: Path, page: Page
) -> None:
    page.goto((site / "architecture.html").as_uri())
    # The theme replaces each diagram's text by a figure in a closed shadow root.
    expect(page.locator("div.mermaid").first).to_be_visible(timeout=20_000)
    expect(page.locator("pre.mermaid")).to_have_count(0, timeout=20_000)

    def found() -> int:
        """The number of results; what is typed before the index is loaded finds none."""
        page.locator(".md-search__input").fill("")
        page.locator(".md-search__input").press_sequentially("revalidate")
        return page.locator(".md-search-result__link").count()

    assert eventually(found, within=30)
