"""The demo's chat and notifications in browsers, while connections and servers fail."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import Error as BrowserError

from tests.e2e.support import Project, Server, free_port
from tests.polling import eventually

from .client.client_page import take_client
from .conftest import enter
from .pages import SCREENSHOTS, WAIT_MS, axe_violations, describe
from .slow_line import SlowLine

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

FATAL_TEXT = "the last words"  # the same as in killed_asgi.py
TWENTY = [f"number {n}" for n in range(1, 21)]

# A silent connection is lost after 1.5 s, so that an offline page notices soon.
FAST: dict[str, Any] = {
    "ping_interval": 1,
    "pong_timeout": 0.5,
    "session_timeout": 5,
    "drain_spread": 0.2,
}

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.copy(template, tmp_path_factory.mktemp("chat"), **FAST)


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with project.serve() as process:
        yield process


@pytest.fixture(autouse=True)
def _no_messages_yet(project: Project) -> None:
    """Pages show the last messages, so those of the tests before must be gone."""
    for table in ("roomentry", "roomlog"):
        project.rows(f"DELETE FROM realtime_{table}")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open the demo as a user with own cookies. Errors in its pages fail the test."""
    errors: list[str] = []
    contexts = []

    def open_(server: Server, name: str, *, url: str = "", **options: Any) -> Page:
        context = browser.new_context(locale="en-GB", **options)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        enter(page, server, name, url=url)
        expect_state(page, "connected")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def killed_project(template: Path, folder: Path) -> Project:
    """A project whose worker dies once FATAL_TEXT is in the log, without an acknowledgement."""
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.browser.killed_settings",
        "KILLED_MARK": str(folder / "killed"),
    }
    return Project.copy(template, folder, environ=environ, **FAST)


def expect_state(page: Page, state: str) -> None:
    dot = page.locator("#realtime-dot")
    expect(dot).to_have_attribute("data-state", state, timeout=WAIT_MS)


def send(page: Page, *texts: str) -> None:
    for text in texts:
        page.fill("#chat-text", text)
        page.press("#chat-text", "Enter")


def shown_texts(page: Page) -> list[str]:
    """The messages that the page shows, in order."""
    return page.locator("#chat-messages p").all_inner_texts()


def expect_texts(page: Page, *texts: str) -> None:
    """Wait until the page shows exactly these messages, in this order."""
    expected = list(texts)
    eventually(lambda: shown_texts(page) == expected, within=20, what=lambda: shown_texts(page))


def expect_waiting(page: Page, *texts: str) -> None:
    """The page shows exactly these messages as not sent yet."""
    expect(page.locator("#chat-waiting .waiting p")).to_have_text(list(texts))


# Sending


def test_messages_have_name_and_time(visit: Visit, server: Server) -> None:
    ann, bob = visit(server, "ann"), visit(server, "bob")
    send(ann, "hello <b>bob</b>")
    expect_texts(bob, "hello <b>bob</b>")
    send(bob, "hello ann")
    for page in (ann, bob):
        expect_texts(page, "hello <b>bob</b>", "hello ann")
        expect_waiting(page)
    assert bob.locator("#chat-messages b").all_inner_texts() == ["ann", "bob"]
    assert abs(bob.evaluate(AGE)) < 60_000


SIXTY = [f"earlier {n}" for n in range(1, 61)]
PUBLISH = f"""
from realtime import api
data = [{{"name": "bob", "text": text, "tag": text}} for text in {SIXTY!r}]
api.publish_many([("chat:lobby", each) for each in data])
"""


def test_a_new_page_begins_with_the_last_fifty_messages(
    visit: Visit, project: Project, server: Server
) -> None:
    """They are no news to a screen reader."""
    project.shell(PUBLISH)
    ann = visit(server, "ann")
    expect_texts(ann, *SIXTY[-50:])
    expect(ann.locator("#chat-messages")).to_have_attribute("aria-live", "off")
    send(ann, "news")
    expect_texts(ann, *SIXTY[-50:], "news")
    expect(ann.locator("#chat-messages")).to_have_attribute("aria-live", "polite")
    ann.reload()
    expect_texts(ann, *SIXTY[-49:], "news")
    assert ann.locator(".gap").count() == 0


def test_the_documentation_is_searched_as_a_stream(visit: Visit, server: Server) -> None:
    ann = visit(server, "ann")
    ann.fill("#search-text", "heartbeat")
    ann.press("#search-text", "Enter")
    found = ann.locator('#search-results li:has([href="docs/protocol.md#heartbeat"])')
    expect(found).to_have_text("Heartbeat · The wire protocol, version 1")
    ann.fill("#search-text", "no section has these words, or has it")
    ann.press("#search-text", "Enter")
    expect(ann.locator("#search-answer")).to_have_text("No section has it.")
    expect(ann.locator("#search-results li")).to_have_count(0)


# Users who are there


WATCH = """async () => {
  const { connect } = await import("/static/realtime/realtime-status.js");
  window.changes = [];
  const names = (users) => users.map(({ data }) => data.name);
  connect().room("chat:lobby").on("presence", ({ sessions, list, joined, left }) =>
    window.changes.push([sessions, names(list), names(joined), left]));
}"""


@pytest.fixture(scope="module")
def short_server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its sessions outlive their pages for four seconds."""
    short = {"resume_window": 4, "sweep_interval": 0.5}
    project = Project.copy(template, tmp_path_factory.mktemp("people"), **FAST, **short)
    with project.serve() as process:
        yield process


def expect_people(page: Page, text: str) -> None:
    expect(page.locator("#chat-people")).to_have_text(text, timeout=WAIT_MS)


def changes(page: Page) -> list[Any]:
    """The pictures that the page has got since ``WATCH``."""
    found: list[Any] = page.evaluate("window.changes")
    return found


def expect_sessions(page: Page, count: int) -> None:
    eventually(lambda: changes(page)[-1][0] == count, within=20, what=lambda: changes(page))


def test_a_second_tab_and_a_reload_change_no_user(visit: Visit, short_server: Server) -> None:
    """Only the number of sessions follows the tabs."""
    server = short_server
    ann = visit(server, "ann")
    expect_people(ann, "1 here now: ann")
    ann.evaluate(WATCH)
    bob = visit(server, "bob")
    for page in (ann, bob):
        expect_people(page, "2 here now: ann, bob")
    assert changes(ann)[0] == [1, ["ann"], [], []]
    assert changes(ann)[-1] == [2, ["ann", "bob"], ["bob"], []]
    before = len(changes(ann))
    tab = bob.context.new_page()
    tab.goto(server.url)
    expect_sessions(ann, 3)
    bob.reload()
    expect_people(bob, "2 here now: ann, bob")
    tab.close()
    expect_sessions(ann, 2)
    assert all(change[1:] == [["ann", "bob"], [], []] for change in changes(ann)[before:])
    user = stats(bob)["user"]
    bob.close()
    eventually(lambda: changes(ann)[-1] == [1, ["ann"], [], [user]], within=20)
    expect_people(ann, "1 here now: ann")


def test_the_users_after_a_restart_are_those_before(
    visit: Visit, template: Path, tmp_path: Path
) -> None:
    """No user leaves or joins, since both come back within the time that their sessions last."""
    project, port = Project.copy(template, tmp_path, **FAST), free_port()
    with project.serve(port) as first:
        ann, bob = visit(first, "ann"), visit(first, "bob")
        expect_people(ann, "2 here now: ann, bob")
        ann.evaluate(WATCH)
        eventually(lambda: len(changes(ann)) == 1)
        session = stats(ann)["session"]
    with project.serve(port):
        for page in (ann, bob):
            expect_state(page, "connected")
        assert stats(ann)["session"] == session
        eventually(lambda: len(changes(ann)) > 1)
        expect_sessions(ann, 2)
        assert not any(left or joined for _, _, joined, left in changes(ann))
        expect_people(ann, "2 here now: ann, bob")


AGE = "() => Date.now() - Date.parse(document.querySelector('#chat-messages time').dateTime)"


def test_a_page_cannot_choose_the_sender(visit: Visit, server: Server) -> None:
    ann = visit(server, "ann")
    codes = ann.evaluate(
        """async () => {
          const { connect } = await import("/static/realtime/realtime-status.js");
          const client = connect();
          const code = (room, data) => client.send(room, data).then(() => "", (e) => e.code);
          client.join("secret");
          return [
            await code("chat:lobby", { text: "I am the admin", tag: "1", name: "admin" }),
            await code("chat:lobby", { text: "x".repeat(501), tag: "1" }),
            await code("chat:lobby", "no text"),
            await code("user:1", { text: "psst", tag: "1" }),
            await code("secret", { text: "psst", tag: "1" }),
          ];
        }"""
    )
    assert codes == ["", "invalid_message", "invalid_message", "forbidden", "not_joined"]
    expect_texts(ann, "I am the admin")
    assert ann.locator("#chat-messages b").all_inner_texts() == ["ann"]


# Without a connection


def test_twenty_messages_sent_offline_arrive_once_each(
    visit: Visit, project: Project, server: Server
) -> None:
    """One page is offline; the other goes on sending."""
    ann, bob = visit(server, "ann"), visit(server, "bob")
    send(ann, "before")
    expect_texts(bob, "before")
    ann.context.set_offline(True)
    expect_state(ann, "connecting")
    send(ann, *TWENTY)
    expect_waiting(ann, *TWENTY)
    send(bob, "are you there?")
    expect_texts(bob, "before", "are you there?")
    ann.context.set_offline(False)
    for page in (ann, bob):
        expect_texts(page, "before", "are you there?", *TWENTY)
        expect_waiting(page)
    assert ann.locator(".gap").count() == 0


def leave_without_server(page: Page) -> None:
    """The page goes, and the next one cannot be loaded."""
    with pytest.raises(BrowserError, match="ERR_CONNECTION_REFUSED"):
        page.reload()
    page.wait_for_url("chrome-error://chromewebdata/")
    page.goto("about:blank")  # Chromium would load the page again by itself


def test_unsent_messages_survive_a_reload_and_the_worker_s_death(
    visit: Visit, template: Path, tmp_path: Path
) -> None:
    """The next page of the tab sends them, though it is in no room; the worker dies when the tenth
    is in the log."""
    texts = [*TWENTY[:9], FATAL_TEXT, *TWENTY[10:]]
    project, port = killed_project(template, tmp_path), free_port()
    with project.serve(port) as server:
        ann, bob = visit(server, "ann"), visit(server, "bob")
    expect_state(ann, "connecting")
    send(ann, *texts)
    assert stats(ann)["pending"] == 20
    leave_without_server(ann)
    with project.serve(port) as server:
        ann.goto(f"{server.url}/nothing/")
        take_client(ann)
        assert server.exit_code() == -9
    assert ann.evaluate("client.stats().pending") == 20
    with project.serve(port):
        expect_texts(bob, *texts)
        ann.wait_for_function("client.stats().pending === 0", timeout=WAIT_MS)
    assert len(project.rows("SELECT 1 FROM realtime_roomentry")) == 20


def test_unsent_messages_are_not_sent_by_another_user(
    visit: Visit, template: Path, tmp_path: Path
) -> None:
    project, port = Project.copy(template, tmp_path, **FAST), free_port()
    with project.serve(port) as server:
        ann = visit(server, "ann")
    expect_state(ann, "connecting")
    send(ann, *TWENTY)
    leave_without_server(ann)
    ann.context.clear_cookies()
    with project.serve(port) as server:
        enter(ann, server, "bob")
        expect_state(ann, "connected")
        send(ann, "by bob")
        expect_texts(ann, "by bob")
        assert stats(ann)["pending"] == 0
    assert len(project.rows("SELECT 1 FROM realtime_roomentry")) == 1


def test_fifty_messages_at_once_take_two_round_trips(visit: Visit, server: Server) -> None:
    """At 100 ms for each; all have their positions, in order."""
    with SlowLine(server.port) as line:
        line.delay = 0.05
        ann = visit(server, "ann", url=f"http://127.0.0.1:{line.port}")
        frames, positions = ann.evaluate(
            """async () => {
              const { connect } = await import("/static/realtime/realtime-status.js");
              const client = connect();
              const frames = [];
              client.addEventListener("frame", ({ detail: { direction, frame } }) => {
                if (/^acks?$|^message/.test(frame.type)) frames.push(`${direction} ${frame.type}`);
              });
              client.join("chat:fifty");
              const texts = Array.from({ length: 50 }, (_, n) => `number ${n}`);
              const sent = texts.map((text) => client.send("chat:fifty", { text, tag: text }));
              return [frames, await Promise.all(sent)];
            }"""
        )
    assert frames == ["out messages", "in acks"] * 2
    assert [position["offset"] for position in positions] == list(range(1, 51))


def test_a_gap_in_the_messages_is_shown(visit: Visit, template: Path, tmp_path: Path) -> None:
    """While a page is offline, the room gets more messages than its log keeps."""
    project = Project.copy(template, tmp_path, log_length=10, **FAST)
    with project.serve() as server:
        ann, bob = visit(server, "ann"), visit(server, "bob")
        ann.context.set_offline(True)
        expect_state(ann, "connecting")
        send(bob, *TWENTY)
        expect_texts(bob, *TWENTY)
        ann.context.set_offline(False)
        expect(ann.locator(".gap")).to_contain_text("longer than the server remembers")
        send(bob, "and on")
        expect_texts(ann, "and on")


# Without a server


def test_a_conversation_across_a_restart(visit: Visit, template: Path, tmp_path: Path) -> None:
    project, port = Project.copy(template, tmp_path, **FAST), free_port()
    with project.serve(port) as first:
        ann, bob = visit(first, "ann"), visit(first, "bob")
        send(ann, "before")
        expect_texts(bob, "before")
        first.stop()
        assert first.exit_code() == 0
    for page, text in ((ann, "ann, meanwhile"), (bob, "bob, meanwhile")):
        expect_state(page, "connecting")
        send(page, text)
        expect_waiting(page, text)
    with project.serve(port):
        eventually(lambda: len(shown_texts(ann)) == 3, within=20)
        expect_texts(bob, *shown_texts(ann))
        assert sorted(shown_texts(ann)) == ["ann, meanwhile", "before", "bob, meanwhile"]
        for page in (ann, bob):
            expect_waiting(page)
            assert page.locator(".gap").count() == 0


@pytest.mark.parametrize("forgotten", [False, True], ids=["resumed", "not resumed"])
def test_a_message_is_published_once_if_the_worker_dies_before_its_ack(
    visit: Visit, template: Path, tmp_path: Path, *, forgotten: bool
) -> None:
    """Of twenty messages the tenth is in the log when the worker dies, without an ack."""
    texts = [*TWENTY[:9], FATAL_TEXT, *TWENTY[10:]]
    project, port = killed_project(template, tmp_path), free_port()
    with project.serve(port) as first:
        ann, bob = visit(first, "ann"), visit(first, "bob")
        session = stats(ann)["session"]
        send(ann, *texts)
        assert first.exit_code() == -9
    expect_state(ann, "connecting")
    if forgotten:
        project.rows("DELETE FROM realtime_livesession")
    with project.serve(port):
        for page in (ann, bob):
            expect_texts(page, *texts)
            expect_waiting(page)
        assert (stats(ann)["session"] == session) is not forgotten


def stats(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        """async () => (await import("/static/realtime/realtime-status.js")).connect().stats()"""
    )
    return found


def test_a_message_refused_after_a_final_close_can_be_sent_again(
    visit: Visit, project: Project, server: Server
) -> None:
    ann = visit(server, "ann")
    project.manage("sessions", "--close", stats(ann)["session"], "--reason", "lunch time")
    expect_state(ann, "disconnected")
    send(ann, "hello?")
    expect(ann.locator("#chat-waiting .refused small")).to_have_text("not sent: lunch time")
    ann.evaluate("import('/static/realtime/realtime-status.js').then((m) => m.connect().connect())")
    expect_state(ann, "connected")
    ann.get_by_role("button", name="Send again").click()
    expect_texts(ann, "hello?")
    expect(ann.locator("#chat-waiting li")).to_have_count(0)


# Notifications


def notify(page: Page, user: str, text: str) -> None:
    page.select_option("#id_user", user)
    page.fill("#id_text", text)
    page.get_by_role("button", name="Notify").click()
    expect(page.locator("#id_text")).to_have_value("")
    expect(page.locator("#notify-answer")).to_have_text("Sent.")


def test_a_notification_reaches_all_pages_of_its_user_only(
    visit: Visit, project: Project, server: Server
) -> None:
    ann, bob, other = visit(server, "ann"), visit(server, "bob"), visit(server, "bob")
    other.context.set_offline(True)
    expect_state(other, "connecting")
    notify(ann, "bob", "lunch?")
    user = stats(bob)["user"]
    project.manage("publish", f"user:{user}", json.dumps({"from": "a shell", "text": "now!"}))
    other.context.set_offline(False)
    for page in (bob, other):
        expect(page.locator("#notifications p")).to_have_text(["now!", "lunch?"])
    expect(ann.locator("#notifications li")).to_have_count(0)
    ann.context.set_offline(True)
    ann.fill("#id_text", "still there?")
    ann.get_by_role("button", name="Notify").click()
    expect(ann.locator("#notify-answer")).to_have_text("It could not be sent.")
    assert ann.input_value("#id_text") == "still there?"


# How it looks


def test_full_lists_are_accessible_and_fit_the_window(
    visit: Visit, project: Project, server: Server
) -> None:
    """Saves screenshots in ``build/screenshots``; checks accessibility and width."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page = visit(server, "ann")
    send(page, "short", "a text that wraps " * 20, "onelongword" * 40, *TWENTY)
    eventually(lambda: len(shown_texts(page)) == 23, within=20)
    for text in ("your order has shipped", "lunch?"):
        notify(page, "ann", text)
    page.context.set_offline(True)
    expect_state(page, "connecting")
    send(page, "this one waits")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in (1000, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=SCREENSHOTS / f"chat-{scheme}-{width}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert describe(axe_violations(page)) == []
