"""``channels-realtime/react`` and ``channels-realtime/vue`` in pages, against a real server."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.support import Project
from tests.packages.installing import ROOT, run
from tests.polling import eventually

from .conftest import FOLDER, Open

pytestmark = pytest.mark.timeout(600)  # for npm and Vite

each_framework = pytest.mark.parametrize("framework", ["react", "vue"])


def expect_joined(page: Page, *ids: str) -> None:
    for id_ in ids:
        expect(page.locator(f"#{id_}")).to_have_attribute("data-joined", "true")


def expect_texts(page: Page, id_: str, *texts: str) -> None:
    expect(page.locator(f"#{id_} output")).to_have_text(", ".join(texts))


def send(page: Page, id_: str) -> None:
    page.locator(f"#{id_} button").click()


def click(page: Page, word: str) -> None:
    page.get_by_role("button", name=word, exact=True).click()


def session(page: Page) -> str:
    """The id of the page's session."""
    return page.locator("#session").text_content() or ""


def expect_to_last(project: Project, id_: str) -> None:
    """Wait until the session has answered some of its pings, one a second: a client ends one second
    after its last use."""
    query = "SELECT pongs FROM realtime_livesession WHERE id = ? AND state = 'connected'"

    def pongs() -> int:
        [row] = project.rows(query, id_)
        return int(row["pongs"])

    before = pongs()
    eventually(lambda: pongs() >= before + 3, within=20)


def check_components(page: Page) -> None:
    """Two components in one room: each gets all, and neither is the end of the other."""
    expect_joined(page, "one", "two")
    send(page, "one")
    for id_ in ("one", "two"):
        expect_texts(page, id_, "from one")
        expect(page.locator(f"#{id_}")).to_have_attribute("data-people", "ann")
    click(page, "Toggle")
    expect(page.locator("#one")).to_have_count(0)
    send(page, "two")
    expect_texts(page, "two", "from one", "from two")
    click(page, "Toggle")
    expect_joined(page, "one", "two")
    send(page, "one")
    expect_texts(page, "one", "from one")
    expect_texts(page, "two", "from one", "from two", "from one")


def check_end(page: Page, project: Project) -> None:
    """The page has one session, which ends with its last component."""
    id_ = session(page)
    assert project.state(id_) == "connected"
    page.evaluate("document.dispatchEvent(new Event('unmount'))")
    eventually(lambda: project.state(id_) == "closed", within=10)


def check_strict_mode(page: Page, project: Project, sockets: list[str]) -> None:
    """React runs all effects twice, and neither a second session nor a second join follows."""
    check_components(page)
    assert page.locator("body").get_attribute("data-effects") == "6"  # of three mounts
    assert len(sockets) == 1
    check_end(page, project)


@pytest.fixture
def sockets(page: Page) -> list[str]:
    """The addresses of the sockets that the page opens. The list grows."""
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    return sockets


def test_strict_mode(open_page: Open, built: Path, project: Project, sockets: list[str]) -> None:
    check_strict_mode(open_page(built, "react"), project, sockets)


@pytest.mark.matrix
def test_strict_mode_of_react_18(
    open_page: Open, built_with_react_18: Path, project: Project, sockets: list[str]
) -> None:
    page = open_page(built_with_react_18, "react")
    assert page.evaluate("document.body.dataset.react").startswith("18.")
    check_strict_mode(page, project, sockets)


def test_two_components_of_vue(
    open_page: Open, built: Path, project: Project, sockets: list[str]
) -> None:
    page = open_page(built, "vue")
    check_components(page)
    assert len(sockets) == 1
    check_end(page, project)


@each_framework
def test_a_component_changes_its_room(framework: str, open_page: Open, built: Path) -> None:
    page = open_page(built, framework)
    expect_joined(page, "one", "two")
    click(page, "Switch")
    expect(page.locator("#two")).to_have_attribute("data-joined", "false")
    send(page, "one")
    expect_texts(page, "one", "from one")
    click(page, "Switch")
    expect_joined(page, "two")
    send(page, "two")
    expect_texts(page, "one", "from one", "from two")
    expect_texts(page, "two", "from two")


@each_framework
def test_the_state_follows_the_client(framework: str, open_page: Open, built: Path) -> None:
    page = open_page(built, framework)
    expect(page.locator("#state")).to_have_text("connected")
    expect(page.locator("#pings")).not_to_have_text("0")
    click(page, "Disconnect")
    expect(page.locator("#state")).to_have_text("disconnected")
    expect(page.locator("#session")).to_have_text("")
    expect(page.locator("#two")).to_have_attribute("data-joined", "false")


def test_a_store_outlives_the_component_that_has_made_it(
    open_page: Open, built: Path, project: Project
) -> None:
    page = open_page(built, "vue")
    click(page, "Store")
    expect(page.locator("#store")).to_have_text("connected alive")
    id_ = session(page)
    click(page, "Store")
    expect(page.locator("#store")).to_have_count(0)
    page.evaluate("document.dispatchEvent(new Event('unmount'))")
    expect_to_last(project, id_)


def test_the_store_is_that_of_the_docs() -> None:
    recipe = (FOLDER / "app/src/store.js").read_text()
    assert f"```js\n{recipe}```" in (ROOT / "docs/client.md").read_text()


@pytest.mark.matrix
def test_the_types(app: Path) -> None:
    run("npx", "tsc", cwd=app)


@pytest.mark.matrix
@each_framework
def test_a_page_that_a_server_has_rendered(
    framework: str, open_page: Open, built: Path, rendered: dict[str, str]
) -> None:
    """The first render in the page equals the server's, and then it connects."""
    html = rendered[framework]
    assert '<p id="state">disconnected</p>' in html
    check_components(open_page(built, framework, html=html))
