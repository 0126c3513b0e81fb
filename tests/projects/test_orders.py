"""An API of the REST framework with users of its own, whose keys are UUIDs and whose names are
e-mail addresses, and its page on another origin."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.test_static_files import another_host
from tests.e2e.test_quickstart import Site
from tests.test_docs import fences

from .following import (
    NAME,
    PASSWORD,
    add_settings,
    add_to_wsgi_project,
    begin,
    code,
    edit,
    expect_green,
    manage,
    recipe,
    serving_with_whitenoise,
)

pytestmark = pytest.mark.matrix

PAGE, API = "https://www.example.com", "https://api.example.com"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return begin("orders", tmp_path_factory.mktemp("orders"))


@pytest.fixture(scope="module")
def origin(project: Path) -> Iterator[str]:
    """The page's, where a host of its own serves it."""
    with another_host(project / "page") as url:
        yield url.rstrip("/")


@pytest.fixture(scope="module")
def site(project: Path, origin: str) -> Iterator[Site]:
    """The API; then its page knows its address."""
    add_to_wsgi_project(project)
    allowing, showing, _ = recipe("## A page on another origin")
    edit(project / "mysite/settings.py", PAGE, origin)
    add_settings(project, code(allowing).replace(PAGE, origin))
    [html] = fences(showing, "html")
    script, element = html.splitlines()
    page = project / "page/index.html"
    edit(page, "<main>", f"{script}\n<main>")
    edit(page, "<h1>Your orders</h1>", f"<h1>Your orders</h1>{element}")
    with serving_with_whitenoise(project) as site:
        for file in (page, project / "page/cookies.js"):
            file.write_text(file.read_text().replace(API, site.address.rstrip("/")))
        yield site


def is_answer(response: Response) -> bool:
    """Whether the API answers the login, not the question whether the origin may ask."""
    return response.url.endswith("/api/login/") and response.request.method == "POST"


def log_in(page: Page) -> None:
    """Wait for the answer: to hash a password takes a busy machine seconds."""
    page.fill("[name=email]", NAME)
    page.fill("[name=password]", PASSWORD)
    with page.expect_response(is_answer):
        page.press("[name=password]", "Enter")


def test_the_dot_is_green_on_another_origin(
    page: Page, site: Site, origin: str, project: Path
) -> None:
    page.goto(origin)
    log_in(page)
    expect_green(page)
    client = "document.querySelector('realtime-status').client"
    user = page.evaluate(f"{client}.stats().user")
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", user)
    keep = "({ detail }) => { window.order = detail.data }"
    page.evaluate(f"{client}.addEventListener('message', {keep})")
    manage(project, "publish", f"user:{user}", '{"order": 7}')
    page.wait_for_function("window.order")
    assert page.evaluate("window.order") == {"order": 7}


def test_a_client_from_before_the_login_connects_when_it_is_called(
    page: Page, site: Site, origin: str
) -> None:
    page.goto(origin)
    page.evaluate(f"""async () => {{
      const {{ connect }} = await import("{site.address}static/realtime/realtime-status.js");
      window.client = connect({{ url: "{site.address}ws/" }});
    }}""")
    page.wait_for_function("client.stats().lastError?.code === 4501")
    log_in(page)
    expect(page.locator("realtime-status [part=word]")).to_have_text("error")
    page.evaluate("client.connect()")
    expect_green(page)
