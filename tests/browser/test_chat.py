"""The demo's chat and notifications in real browsers, whatever happens to line and server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.server_support import ROOT
from tests.e2e.support import Project, Server, free_port
from tests.polling import eventually

from .conftest import enter

SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 20_000
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

LAST_WORDS = "the last words"  # as killed_asgi.py knows them
TWENTY = [f"number {n}" for n in range(1, 21)]

# Silence is lost after 1.5 s, so that a page that goes offline knows soon.
FAST: dict[str, Any] = {
    "ping_interval": 1,
    "pong_timeout": 0.5,
    "session_timeout": 5,
    "drain_spread": 0.2,
}

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def own(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.copy(template, tmp_path_factory.mktemp("chat"), **FAST)


@pytest.fixture(scope="module")
def server(own: Project) -> Iterator[Server]:
    with own.serve() as process:
        yield process


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open the demo as a user, each in a browser of their own; pages must have no errors."""
    errors: list[str] = []
    contexts = []

    def open_(server: Server, name: str, **options: Any) -> Page:
        context = browser.new_context(locale="en-GB", **options)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        enter(page, server, name)
        is_in_state(page, "connected")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def is_in_state(page: Page, state: str) -> None:
    dot = page.locator("#realtime-dot")
    expect(dot).to_have_attribute("data-state", state, timeout=PATIENCE_MS)


def say(page: Page, *texts: str) -> None:
    for text in texts:
        page.fill("#chat-text", text)
        page.press("#chat-text", "Enter")


def said(page: Page) -> list[str]:
    """What a page shows of the room, in order."""
    return page.locator("#chat-messages p").all_inner_texts()


def hears(page: Page, *texts: str) -> None:
    """Exactly this, in this order, nothing twice."""
    expected = list(texts)
    eventually(lambda: said(page) == expected, within=20, what=lambda: said(page))


def waits(page: Page, *texts: str) -> None:
    expect(page.locator("#chat-waiting .waiting p")).to_have_text(list(texts))


# Talking


def test_what_is_said_is_heard_with_name_and_time(visit: Visit, server: Server) -> None:
    ann, bob = visit(server, "ann"), visit(server, "bob")
    say(ann, "hello <b>bob</b>")
    hears(bob, "hello <b>bob</b>")
    say(bob, "hello ann")
    for page in (ann, bob):
        hears(page, "hello <b>bob</b>", "hello ann")
        waits(page)
    assert bob.locator("#chat-messages b").all_inner_texts() == ["ann", "bob"]
    assert abs(bob.evaluate(AGE)) < 60_000


AGE = "() => Date.now() - Date.parse(document.querySelector('#chat-messages time').dateTime)"


def test_who_speaks_is_not_the_pages_to_say(visit: Visit, server: Server) -> None:
    ann = visit(server, "ann")
    codes = ann.evaluate(
        """async () => {
          const { connect } = await import("/static/realtime/index.js");
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
    hears(ann, "I am the admin")
    assert ann.locator("#chat-messages b").all_inner_texts() == ["ann"]


# Without a line


def test_twenty_said_offline_arrive_once_each(visit: Visit, own: Project, server: Server) -> None:
    """The cable of one page is pulled; the others talk on."""
    ann, bob = visit(server, "ann"), visit(server, "bob")
    say(ann, "before")
    hears(bob, "before")
    ann.context.set_offline(True)
    is_in_state(ann, "connecting")
    say(ann, *TWENTY)
    waits(ann, *TWENTY)
    say(bob, "are you there?")
    hears(bob, "before", "are you there?")
    ann.context.set_offline(False)
    for page in (ann, bob):
        hears(page, "before", "are you there?", *TWENTY)
        waits(page)
    assert ann.locator(".gap").count() == 0


def test_what_is_lost_is_not_passed_over(visit: Visit, template: Path, tmp_path: Path) -> None:
    """More is said than the log keeps, while a page is offline."""
    own = Project.copy(template, tmp_path, log_length=10, **FAST)
    with own.serve() as server:
        ann, bob = visit(server, "ann"), visit(server, "bob")
        ann.context.set_offline(True)
        is_in_state(ann, "connecting")
        say(bob, *TWENTY)
        hears(bob, *TWENTY)
        ann.context.set_offline(False)
        expect(ann.locator(".gap")).to_contain_text("longer than the server remembers")
        say(bob, "and on")
        hears(ann, "and on")


# Without a server


def test_a_conversation_across_a_restart(visit: Visit, template: Path, tmp_path: Path) -> None:
    own, port = Project.copy(template, tmp_path, **FAST), free_port()
    with own.serve(port) as first:
        ann, bob = visit(first, "ann"), visit(first, "bob")
        say(ann, "before")
        hears(bob, "before")
        first.stop()
        assert first.exit_code() == 0
    for page, text in ((ann, "ann, meanwhile"), (bob, "bob, meanwhile")):
        is_in_state(page, "connecting")
        say(page, text)
        waits(page, text)
    with own.serve(port):
        eventually(lambda: len(said(ann)) == 3, within=20)
        hears(bob, *said(ann))
        assert sorted(said(ann)) == ["ann, meanwhile", "before", "bob, meanwhile"]
        for page in (ann, bob):
            waits(page)
            assert page.locator(".gap").count() == 0


@pytest.mark.parametrize("forgotten", [False, True], ids=["resumed", "not resumed"])
def test_killed_between_log_and_ack_it_is_there_once(
    visit: Visit, template: Path, tmp_path: Path, *, forgotten: bool
) -> None:
    """Of twenty messages the tenth is in the log when the worker dies, and nobody was told."""
    texts = [*TWENTY[:9], LAST_WORDS, *TWENTY[10:]]
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.browser.killed_settings",
        "KILLED_MARK": str(tmp_path / "killed"),
    }
    own, port = Project.copy(template, tmp_path, environ=environ, **FAST), free_port()
    with own.serve(port) as first:
        ann, bob = visit(first, "ann"), visit(first, "bob")
        session = stats(ann)["session"]
        say(ann, *texts)
        assert first.exit_code() == -9
    is_in_state(ann, "connecting")
    if forgotten:
        own.rows("DELETE FROM realtime_livesession")
    with own.serve(port):
        for page in (ann, bob):
            hears(page, *texts)
            waits(page)
        assert (stats(ann)["session"] == session) is not forgotten


def stats(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        """async () => (await import("/static/realtime/index.js")).connect().stats()"""
    )
    return found


def test_sent_away_a_message_is_refused_and_can_be_sent_again(
    visit: Visit, own: Project, server: Server
) -> None:
    ann = visit(server, "ann")
    own.manage("sessions", "--close", stats(ann)["session"], "--reason", "lunch time")
    is_in_state(ann, "disconnected")
    say(ann, "anybody?")
    expect(ann.locator("#chat-waiting .refused small")).to_have_text("not sent: lunch time")
    ann.evaluate("import('/static/realtime/index.js').then((m) => m.connect().connect())")
    is_in_state(ann, "connected")
    ann.get_by_role("button", name="Send again").click()
    hears(ann, "anybody?")
    expect(ann.locator("#chat-waiting li")).to_have_count(0)


# Notifications


def notify(page: Page, user: str, text: str) -> None:
    page.select_option("#id_user", user)
    page.fill("#id_text", text)
    page.get_by_role("button", name="Notify").click()
    expect(page.locator("#id_text")).to_have_value("")
    expect(page.locator("#notify-answer")).to_have_text("Sent.")


def test_a_notification_reaches_all_pages_of_its_user_and_nobody_else(
    visit: Visit, own: Project, server: Server
) -> None:
    ann, bob, other = visit(server, "ann"), visit(server, "bob"), visit(server, "bob")
    other.context.set_offline(True)
    is_in_state(other, "connecting")
    notify(ann, "bob", "lunch?")
    user = stats(bob)["user"]
    own.manage("publish", f"user:{user}", json.dumps({"from": "a shell", "text": "now!"}))
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


def test_full_lists(visit: Visit, own: Project, server: Server) -> None:
    """For people to look at, in ``build/screenshots``; axe has nothing to say, and nothing is
    cut off sideways."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page = visit(server, "ann")
    say(page, "short", "a text that wraps " * 20, "onelongword" * 40, *TWENTY)
    eventually(lambda: len(said(page)) == 23, within=20)
    for text in ("your order has shipped", "lunch?"):
        notify(page, "ann", text)
    page.context.set_offline(True)
    is_in_state(page, "connecting")
    say(page, "this one waits")
    page.evaluate(AXE.read_text())
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in (1000, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=SCREENSHOTS / f"chat-{scheme}-{width}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        assert [f"{v['id']}: {n['html']}" for v in found["violations"] for n in v["nodes"]] == []
