"""Rooms of pages: between rendering and joining, over reloads, and behind a trimmed log."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.e2e.support import Project, Server
from tests.polling import eventually

from ..conftest import enter
from .client_page import bare, expect_state, take_client
from .conftest import SETTINGS

# A page that records what its room gives, and reloads at a resync where it may. Each page has a
# place of its own in the localStorage: what one writes there may get to the next a moment later.
PAGE = """<main data-position="{position}"></main>
<script type="module">
  import {{ connect }} from "/static/realtime/realtime.js";
  const recorded = {{ texts: [], resyncs: [], loads: [] }};
  const record = (name, value) => {{
    recorded[name].push(value);
    localStorage[`page ${{performance.timeOrigin}}`] = JSON.stringify(recorded);
  }};
  record("loads", 1);
  const since = document.querySelector("main").dataset.position;
  window.begin = (options = {{ since }}) => {{
    window.client = connect();
    window.room = client.room("{room}", options);
    room.on("message", ({{ data }}) => record("texts", data.text));
    room.on("resync", ({{ reason, initial }}) => {{
      record("resyncs", [reason, initial]);
      if (!initial) location.reload();
    }});
    return room.joined;
  }};
  if ("{since}") void begin({{ since: "{since}" }});
</script>"""


def rendered(server: Server, room: str, *, position: str = "", since: str = "") -> str:
    """The address of that page. With ``since`` it joins at once, else it waits for ``begin()``."""
    return bare(server, PAGE.format(room=room, position=position, since=since))


def publish(project: Project, room: str, *texts: str) -> str:
    """Publish; returns the position of the last one."""
    code = f"""
from realtime import api
for text in {texts!r}:
    position = api.publish({room!r}, {{"text": text}})
print(position.epoch, position.offset, sep=":")
"""
    return project.shell(code).strip()


def recorded(page: Page) -> dict[str, list[Any]]:
    """Of all pages of the tab, one after the other."""
    found = page.evaluate("Object.entries(localStorage)")
    pages = [json.loads(text) for name, text in sorted(found) if name.startswith("page ")]
    names = ("texts", "resyncs", "loads")
    return {name: [each for records in pages for each in records[name]] for name in names}


def test_a_publication_between_rendering_and_joining(
    page: Page, project: Project, server: Server
) -> None:
    """The page gets all after its position, however long its scripts take to load."""
    enter(page, server, "ann")
    publish(project, "chat:gap", "shown in the page")
    position = project.shell("from realtime import api; print(api.position('chat:gap'))").strip()
    page.goto(rendered(server, "chat:gap", position=position))
    publish(project, "chat:gap", "one", "two")
    page.evaluate("begin()")
    eventually(lambda: recorded(page)["texts"] == ["one", "two"], within=10)
    publish(project, "chat:gap", "three")
    eventually(lambda: recorded(page)["texts"] == ["one", "two", "three"], within=10)
    assert recorded(page)["resyncs"] == []


def test_a_rewind_in_a_room_that_the_page_is_in(
    page: Page, project: Project, server: Server
) -> None:
    """The last ones first, marked as replayed; another handle of the room gets nothing twice."""
    enter(page, server, "ann")
    publish(project, "chat:rewind", *"abcde")
    page.goto(rendered(server, "chat:rewind"))
    page.evaluate("begin({ since: 'now' })")
    publish(project, "chat:rewind", "f")
    eventually(lambda: recorded(page)["texts"] == ["f"], within=10)
    page.evaluate(
        """() => {
          window.second = [];
          client.room("chat:rewind", { rewind: 3 }).on("message", ({ data, replayed }) =>
            second.push(data.text + (replayed ? "*" : "")));
        }"""
    )
    eventually(lambda: page.evaluate("second") == ["d*", "e*", "f*"], within=10)
    publish(project, "chat:rewind", "g")
    eventually(lambda: page.evaluate("second") == ["d*", "e*", "f*", "g"], within=10)
    eventually(lambda: recorded(page)["texts"] == ["f", "g"], within=10)


def test_publications_during_reloads(
    context: BrowserContext, page: Page, project: Project, server: Server
) -> None:
    """With ``since: "last"`` the pages of a tab get everything once, in order."""
    enter(page, server, "ann")
    page.goto(rendered(server, "chat:reload", since="last"))
    page.evaluate("room.joined")
    other = context.new_page()
    other.goto(server.url)
    take_client(other)
    expect_state(other, "connected")
    texts = [str(n) for n in range(60)]
    other.evaluate(
        """async (texts) => {
          window.sending = (async () => {
            client.join("chat:reload");
            for (const text of texts) {
              await client.send("chat:reload", { text, tag: text });
              await new Promise((resolve) => setTimeout(resolve, 30));
            }
          })();
        }""",
        texts,
    )
    for _ in range(3):
        page.reload()
        page.evaluate("room.joined")
    page.goto("about:blank")
    other.evaluate("sending")
    publish(project, "chat:reload", "while away")
    page.goto(rendered(server, "chat:reload", since="last"))
    expected = [*texts, "while away"]
    eventually(lambda: recorded(page)["texts"] == expected, within=20, what=lambda: recorded(page))
    assert recorded(page)["resyncs"] == []
    assert len(recorded(page)["loads"]) == 5


def test_a_trimmed_log_is_no_reload_loop(page: Page, template: Path, tmp_path: Path) -> None:
    """One ``resync``, which is ``initial``: the page from a cache has the same position again."""
    project = Project.copy(template, tmp_path, environ=SETTINGS, log_length=5)
    with project.serve() as server:
        enter(page, server, "ann")
        position = publish(project, "chat:short", "shown in the page")
        publish(project, "chat:short", *(f"lost {n}" for n in range(40)))
        page.goto(rendered(server, "chat:short", position=position))
        page.evaluate("begin()")
        eventually(lambda: recorded(page)["resyncs"] != [], within=10)
        publish(project, "chat:short", "next")
        eventually(lambda: recorded(page)["texts"] == ["next"], within=10)
        assert recorded(page)["resyncs"] == [["expired", True]]
        assert len(recorded(page)["loads"]) == 1
