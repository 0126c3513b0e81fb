"""A dot under every usual way to serve static files, on both servers: two requests, and it is
green. ``make matrix`` tries every such cell on every pair of a Python and a Django."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.support import Project, Server

from .conftest import enter
from .pages import WAIT_MS

DJANGO = "django.contrib.staticfiles.storage"
MANIFEST = f"{DJANGO}.ManifestStaticFilesStorage"
COMPRESSED = "whitenoise.storage.CompressedManifestStaticFilesStorage"


class Way(NamedTuple):
    """How static files are named and served."""

    storage: str
    hashed: bool = True
    keep_only_hashed: bool = False
    elsewhere: bool = False
    script_name: str = ""


HARDEST = Way(COMPRESSED, keep_only_hashed=True)
OTHERS = {
    "plain": Way(f"{DJANGO}.StaticFilesStorage", hashed=False),
    "manifest": Way(MANIFEST),
    "aggregating": Way("tests.browser.static_storages.AggregatingStorage"),
    "compressed": Way(COMPRESSED),
    "another-host": Way(MANIFEST, elsewhere=True),
    "sub-path": Way(MANIFEST, script_name="/shop"),
}
WAYS = [
    pytest.param(HARDEST, id="only-hashed-names"),
    *(pytest.param(way, id=name, marks=pytest.mark.matrix) for name, way in OTHERS.items()),
]


class AnyOrigin(SimpleHTTPRequestHandler):
    """Files for the pages of any origin, without a line in the log for each."""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def another_host(folder: Path) -> Iterator[str]:
    """The address of a host that serves the folder."""
    handler = partial(AnyOrigin, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        thread = threading.Thread(target=host.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{host.server_port}/"
        host.shutdown()
        thread.join()


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture(
    scope="module", params=["daphne", pytest.param("uvicorn", marks=pytest.mark.matrix)]
)
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(way: Way, server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("static-files")


@pytest.fixture(scope="module")
def static_url(way: Way, folder: Path) -> Iterator[str]:
    with another_host(folder / "static") if way.elsewhere else nullcontext("static/") as url:
        yield url


@pytest.fixture(scope="module")
def served(
    way: Way, server: str, static_url: str, template: Path, folder: Path
) -> Iterator[Server]:
    """The project with its static files collected; the hashed ones only if there are others."""
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.browser.static_settings",
        "DEBUG": "0",
        "STATIC_ROOT": str(folder / "static"),
        "STATIC_URL": static_url,
        "STATIC_STORAGE": way.storage,
        "SCRIPT_NAME": way.script_name,
        **({"KEEP_ONLY_HASHED_FILES": "1"} if way.keep_only_hashed else {}),
    }
    project = Project.copy(template, folder, environ=environ, allow_anonymous=1)
    project.manage("collectstatic", "--no-input", "--verbosity=0")
    assert (folder / "static/realtime/realtime.js").exists() is not way.keep_only_hashed
    with project.serve_cleanly(server=server) as served:
        yield served


def test_a_dot_takes_two_requests(page: Page, served: Server, way: Way, static_url: str) -> None:
    """One for the script, one for the socket, besides that for the page itself."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{served.url}{way.script_name}/dot/")
    expect(page.locator("realtime-status [part=word]")).to_have_text("connected", timeout=WAIT_MS)
    _, script = requests
    assert script.endswith("realtime/realtime-status.js") is not way.hashed
    assert script.startswith(static_url if way.elsewhere else f"{served.url}{way.script_name}/")
    client = "document.querySelector('realtime-status').client"
    address = served.url.replace("http", "ws") + way.script_name + "/ws/"
    assert page.evaluate(f"{client}.url") == address
    assert page.evaluate(f"connect() === {client}")


def test_the_admins_pages_stay_up_to_date(page: Page, served: Server, way: Way) -> None:
    enter(page, served, "admin", path=f"{way.script_name}/admin/realtime/livesession/")
    page.locator("#realtime-pause").click()
    expect(page.locator("#realtime-age")).to_contain_text("Paused")
