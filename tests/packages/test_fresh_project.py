"""The wheel in a new environment and a new project, by the README, up to a welcome."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from release.dist import Packages
from tests.e2e.support import ANSWERING, STARTING
from tests.e2e.test_quickstart import VIEW, blocks, follow_settings, follow_urls
from tests.polling import eventually

from .installing import CLEAN, WHEEL, install, run

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def python(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment, in which pip has chosen every version."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", environment, cwd=environment)
    install(WHEEL, environment, packages.folder)
    return environment / "bin/python"


@pytest.fixture(scope="module")
def project(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    run(python.with_name("django-admin"), "startproject", "mysite", folder, cwd=folder)
    snippets = blocks()
    follow_settings(folder / "mysite/settings.py", snippets["settings"])
    (folder / "mysite/asgi.py").write_text(snippets["asgi"])
    follow_urls(folder / "mysite/urls.py", snippets["urls"])
    (folder / "mysite/views.py").write_text(VIEW)
    (folder / "templates").mkdir()
    (folder / "templates/home.html").write_text(snippets["template"])
    run(python, "manage.py", "migrate", cwd=folder)
    admin = ("createsuperuser", "--noinput", "--username=admin", "--email=a@example.com")
    run(python, "manage.py", *admin, cwd=folder, DJANGO_SUPERUSER_PASSWORD="let-me-in")
    return folder


@pytest.fixture(scope="module")
def address(python: Path, project: Path) -> Iterator[str]:
    """Host and port of ``manage.py serve``."""
    output = project / "output"
    with output.open("w") as file:
        server = subprocess.Popen(
            [python, "manage.py", "serve", "--port", "0"],
            cwd=project,
            env={**CLEAN, "PYTHONUNBUFFERED": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        found = eventually(
            lambda: re.search(r"http://([\d.:]+)/", output.read_text()), within=STARTING
        )
        yield found[1]
    finally:
        server.terminate()
        assert server.wait(timeout=ANSWERING) == 0


async def test_a_logged_in_client_is_welcomed(address: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=ANSWERING) as browser:
        login = "/admin/login/"
        await browser.get(login)
        token = browser.cookies["csrftoken"]
        form = {"username": "admin", "password": "let-me-in", "csrfmiddlewaretoken": token}
        assert (await browser.post(login, data=form)).status_code == 302
        cookie = f"sessionid={browser.cookies['sessionid']}"
        assert "<realtime-status" in (await browser.get("/")).text
    headers = {"Cookie": cookie}
    async with connect(
        f"ws://{address}/ws/", additional_headers=headers, open_timeout=ANSWERING, proxy=None
    ) as socket:
        await socket.send('{"type":"hello","protocol":1}')
        assert '"type":"welcome"' in await socket.recv()


def test_pip_has_chosen_versions_that_agree(python: Path, project: Path) -> None:
    assert "No broken requirements" in run(python, "-m", "pip", "check", cwd=project)
    checks = run(python, "-W", "error", "manage.py", "check", cwd=project)
    assert "no issues" in checks
