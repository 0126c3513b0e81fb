"""Vite's dev server replaces modules of a page that is connected, in which React or Vue runs."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.support import Project, Server, free_port
from tests.packages.installing import CLEAN
from tests.polling import eventually

from ..conftest import enter
from .test_hooks import expect_joined, expect_texts, expect_to_last, send, session

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]


class Change(NamedTuple):
    """A text in a file, and its successor."""

    file: str
    old: str
    new: str


class Sources(NamedTuple):
    """A page of the dev server, and changes of its code."""

    page: str
    words: Change
    component: Change
    outermost: Change


LOBBY = "const [texts, setTexts]"
APP = "const [isShown, setShown]"
SOURCES = {
    "react": Sources(
        page="react.html",
        words=Change("src/react_app.tsx", "Send", "Tell"),
        component=Change("src/react_app.tsx", LOBBY, f"useState(0);{LOBBY}"),
        outermost=Change("src/react_app.tsx", APP, f"useState(0);{APP}"),
    ),
    "vue": Sources(
        page="hot_vue.html",
        words=Change("hot/Lobby.vue", "Send", "Tell"),
        component=Change("hot/Lobby.vue", "const texts", "const more = ref(0);const texts"),
        outermost=Change("hot/App.vue", "const store", "const more = 0;const store"),
    ),
}
Edit = Callable[[Change], None]


@pytest.fixture
def edit(app: Path) -> Iterator[Edit]:
    """Makes a change, until the end of the test: others build from the same files."""
    before: dict[Path, str] = {}

    def edit(change: Change) -> None:
        file = app / change.file
        text = file.read_text()
        before.setdefault(file, text)
        assert change.old in text
        file.write_text(text.replace(change.old, change.new))

    yield edit
    for file, text in before.items():
        file.write_text(text)


@pytest.fixture(scope="module")
def dev_server(
    app: Path, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of Vite's dev server for the pages, which passes the socket on."""
    page = (app / "vue.html").read_text()
    assert "/src/vue.ts" in page
    (app / "hot_vue.html").write_text(page.replace("/src/vue.ts", "/hot/main.js"))
    port = free_port()
    log = tmp_path_factory.mktemp("vite") / "log"
    options = ("--config", "hot.config.js", "--host", "127.0.0.1", "--port", str(port))
    with log.open("w") as output:
        process = subprocess.Popen(
            ["node", "node_modules/vite/bin/vite.js", *options, "--strictPort"],
            cwd=app,
            env={**CLEAN, "DJANGO": server.url},
            stdout=output,
            stderr=output,
        )
    try:
        eventually(lambda: "ready in" in log.read_text(), within=60, what=log.read_text)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


class Hot:
    """An open page of the dev server."""

    def __init__(self, page: Page, project: Project) -> None:
        self.page = page
        self._project = project
        self._sockets: list[str] = []
        self._session = ""
        page.on("websocket", lambda socket: self._sockets.append(socket.url))

    def begin(self) -> None:
        """The page is there."""
        expect_joined(self.page, "one", "two")
        self._session = session(self.page)
        self.page.evaluate("window.isSame = true")
        self.check()

    def check(self) -> None:
        """Page, session and socket are the same, and each component gets each message once."""
        expect_joined(self.page, "one", "two")
        before = {id_: self.texts(id_) for id_ in ("one", "two")}
        send(self.page, "one")
        for id_, texts in before.items():
            expect_texts(self.page, id_, *texts, "from one")
        expect_to_last(self._project, self._session)
        assert session(self.page) == self._session
        # The other one is the dev server's.
        assert len([url for url in self._sockets if url.endswith("/ws/")]) == 1
        assert self.page.evaluate("window.isSame") is True

    def texts(self, id_: str) -> list[str]:
        return [
            text for text in self.page.locator(f"#{id_} output").inner_text().split(", ") if text
        ]


@pytest.fixture(params=SOURCES)
def sources(request: pytest.FixtureRequest) -> Sources:
    return SOURCES[request.param]


@pytest.fixture
def hot(sources: Sources, page: Page, dev_server: str, server: Server, project: Project) -> Hot:
    hot = Hot(page, project)
    enter(page, server, "ann", path=f"/{sources.page}", url=dev_server)
    hot.begin()
    return hot


def test_an_edited_text(hot: Hot, sources: Sources, edit: Edit) -> None:
    """The components keep their state."""
    edit(sources.words)
    expect(hot.page.locator("#one button")).to_have_text("Tell")
    expect_texts(hot.page, "two", "from one")
    hot.check()


def test_an_edited_component(hot: Hot, sources: Sources, edit: Edit) -> None:
    """It is made anew, without what it has shown."""
    edit(sources.component)
    expect_texts(hot.page, "two", "")
    hot.check()


def test_the_outermost_component(hot: Hot, sources: Sources, edit: Edit) -> None:
    """It is made anew, and with it all others."""
    edit(sources.outermost)
    expect_texts(hot.page, "two", "")
    hot.check()
