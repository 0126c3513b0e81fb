"""Rooms of pages in each engine: positions, and pages that come and go while much is published."""

import json
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from tests.e2e.support import Project, Server
from tests.faults import Proxy
from tests.polling import eventually

from . import cable
from .pages import expect, log_in
from .stream import Stream
from .tab import Browser, Tab

pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]

# A page that follows a room of numbers. Each page keeps what happens to it in a place of its own in
# the localStorage: what one writes there may get to the next, in another process, a moment later.
PAGE = """<!doctype html><title>numbers</title>
<script type="module">
  import { connect } from "/static/realtime/realtime.js";
  const records = [];
  const record = (kind, value) => {
    records.push([performance.timeOrigin + performance.now(), kind, value]);
    localStorage[`page ${performance.timeOrigin}`] = JSON.stringify(records);
  };
  const { since, room: name } = Object.fromEntries(new URLSearchParams(location.search));
  window.client = connect();
  window.room = client.room(name, { since });
  Object.assign(window, { taken: 0, newest: 0 });
  room.on("message", ({ data }) => {
    newest = Number(data.text);
    taken += 1;
    record("taken", newest);
  });
  room.on("resync", ({ reason }) => record("resync", reason));
  addEventListener("pageshow", ({ persisted }) => record("shown", persisted ? "kept" : "loaded"));
  for (const type of ["error", "unhandledrejection"])
    addEventListener(type, ({ message, reason }) => record("error", `${message ?? reason}`));
</script>"""


def numbers(server: Server | str, room: str, *, since: str = "last", page: int = 1) -> str:
    """The address of that page; pages differ by their number."""
    url = server if isinstance(server, str) else server.url
    query = {"body": PAGE, "room": room, "since": since, "page": page}
    return f"{url}/bare/?{urlencode(query)}"


def enter(tab: Tab, server: Server, *, url: str = "") -> None:
    """A login, and nothing recorded."""
    log_in(tab, server, url=url)
    tab.evaluate("() => localStorage.clear()")


class Record(NamedTuple):
    """Something that happened to a page."""

    at: float
    page: str
    kind: str
    value: Any


def recorded(tab: Tab) -> list[Record]:
    """Everything that has happened to the pages of the tab, in order."""
    found = tab.evaluate("() => Object.entries(localStorage)")
    records = [
        Record(at, page, kind, value)
        for page, text in found
        if page.startswith("page ")
        for at, kind, value in json.loads(text)
    ]
    return sorted(records, key=lambda record: record.at)  # those of one moment as they came


def faults(records: list[Record], *, after: int | None = None) -> list[Record]:
    """Numbers that are not the next ones, and what should not happen at all. A page goes on where
    the one before has ended, and one that comes out of the back-forward cache where it has ended
    itself; the first one begins ``after`` a number, or anywhere."""
    newest: dict[str, int] = {}
    found = []
    for record in records:
        if record.kind == "taken":
            before = newest.get(record.page, after)
            if before is not None and record.value != before + 1:
                found.append(record)
            newest[record.page] = after = record.value
        elif record.kind != "shown":
            found.append(record)
    return found


def expect_no_faults(tab: Tab, *, after: int | None = None) -> None:
    """Wait for the records of pages before: while one is missing there is a gap."""
    eventually(lambda: not faults(recorded(tab), after=after), what=lambda: recorded(tab))


# The page with this end of its address is there: what it has taken so far.
SEEN = """(end) => {
  if (!location.search.endsWith(end) || !window.room?.position) return false;
  window.seen = taken;
  return true;
}"""


def expect_newest(tab: Tab, number: int) -> None:
    expect(tab, "(number) => newest === number", number)


def check(tab: Tab, stream: Stream) -> list[str]:
    """The tab has got all, in order. Returns how its pages were shown."""
    expect_newest(tab, stream.sent)
    expect_no_faults(tab)
    return [record.value for record in recorded(tab) if record.kind == "shown"]


def publish(project: Project, room: str, *texts: str) -> str:
    """Returns the position of the last one."""
    code = f"""
from realtime import api
for text in {texts!r}:
    position = api.publish({room!r}, {{"text": text}})
print(position)
"""
    return project.shell(code).strip()


def test_a_publication_between_rendering_and_joining(
    tab: Tab, project: Project, server: Server
) -> None:
    enter(tab, server)
    position = publish(project, "chat:gap", "1", "2")
    publish(project, "chat:gap", "3", "4")
    tab.goto(numbers(server, "chat:gap", since=position))
    expect_newest(tab, 4)
    publish(project, "chat:gap", "5")
    expect_newest(tab, 5)
    expect_no_faults(tab, after=2)


def test_reloads_under_traffic(tab: Tab, server: Server) -> None:
    enter(tab, server)
    with Stream(server, "chat:reloads") as stream:
        tab.goto(numbers(server, "chat:reloads"))
        for _ in range(5):
            expect(tab, "() => taken > 5")
            tab.reload()
        expect(tab, "() => taken > 5")
    assert check(tab, stream) == ["loaded"] * 6


def test_back_and_forward_under_traffic(browser: Browser, tab: Tab, server: Server) -> None:
    """Each page gets all, if the engine loads it again and if it has kept it."""
    enter(tab, server)
    with Stream(server, "chat:history") as stream:
        for page in (1, 2, 3):
            tab.goto(numbers(server, "chat:history", page=page))
            expect(tab, "() => taken > 5")
        for move, page in [(tab.back, 2), (tab.back, 1), (tab.forward, 2), (tab.forward, 3)] * 3:
            move()
            expect(tab, SEEN, f"page={page}")
            expect(tab, "() => taken > seen + 5")
    shown = check(tab, stream)
    # Firefox keeps no page that has an open socket when it goes.
    assert ("kept" in shown) is (browser.name != "firefox")


def test_a_page_that_was_away(tab: Tab, project: Project, server: Server) -> None:
    """A page of the tab without a client in between, and publications meanwhile."""
    enter(tab, server)
    publish(project, "chat:away", "1")
    tab.goto(numbers(server, "chat:away"))
    expect(tab, "() => room.position")
    publish(project, "chat:away", "2")
    expect_newest(tab, 2)
    tab.goto(f"{server.url}/nothing/")
    publish(project, "chat:away", "3", "4")
    tab.goto(numbers(server, "chat:away"))
    expect_newest(tab, 4)
    tab.goto("about:blank")
    publish(project, "chat:away", "5")
    tab.back()
    expect_newest(tab, 5)
    expect_no_faults(tab, after=1)


def test_offline_and_online(tab: Tab, server: Server) -> None:
    """The machine loses its network: the page notices soon, and goes on at once with the next."""
    with Proxy(server.port) as line:
        url = f"http://127.0.0.1:{line.port}"
        enter(tab, server, url=url)
        tab.goto(numbers(url, "chat:offline"))
        expect(tab, "() => client.state === 'connected' && room.position")
        before = tab.evaluate("() => client.stats().session")
        script = """() => {
          window.events = [];
          for (const type of ["offline", "online"])
            addEventListener(type, () => events.push(type));
        }"""
        tab.evaluate(script)
        with cable.unplugged():
            line.stall()
            expect(tab, "() => events.includes('offline') && !navigator.onLine")
            expect(tab, "() => client.state === 'connecting'", within=8)
            tab.evaluate(
                """() => {
                  const sent = client.send("chat:offline", { text: "1", tag: "" });
                  sent.then(() => (window.sent = true));
                }"""
            )
        line.reset()
        line.heal()
        expect(tab, "() => events.includes('online') && navigator.onLine")
        expect(tab, "() => client.state === 'connected'", within=8)
        expect(tab, "() => window.sent")
        expect_newest(tab, 1)
        assert tab.evaluate("() => client.stats().session") == before


def test_unsent_messages_survive_a_reload(tab: Tab, project: Project, server: Server) -> None:
    """The socket gets no answer, while pages still load; later each is published once."""
    with Proxy(server.port) as line:
        url = f"http://127.0.0.1:{line.port}"
        enter(tab, server, url=url)
        line.hold(to=b"GET /ws/")
        tab.goto(numbers(url, "chat:unsent"))
        send = """() => {
          for (let n = 1; n <= 20; n += 1)
            void client.send("chat:unsent", { text: `${n}`, tag: "" });
          return client.stats().pending;
        }"""
        assert tab.evaluate(send) == 20
        tab.reload()
        expect(tab, "() => client.stats().pending === 20")
        line.heal()
        expect(tab, "() => client.stats().pending === 0")
        expect_newest(tab, 20)
    expect_no_faults(tab, after=0)
    query = "SELECT 1 FROM realtime_roomentry WHERE log_id = 'chat:unsent'"
    assert len(project.rows(query)) == 20
