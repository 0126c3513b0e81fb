"""A magazine whose WSGI server keeps the pages, beside ``serve``, behind nginx."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from tests.e2e.nginx_server import Nginx
from tests.e2e.server_support import ROOT
from tests.e2e.support import free_port
from tests.e2e.test_quickstart import CLEAN, browser, page, serving
from tests.polling import eventually
from tests.test_docs import INTEGRATION, OPERATIONS, fences, section

from .following import (
    add_settings,
    add_to_wsgi_project,
    begin,
    edit,
    expect_green,
    inline,
    log_in,
    manage,
)

pytestmark = pytest.mark.matrix

__all__ = ["browser", "page"]  # a browser that knows nginx's name

WSGI = """
import sys
from wsgiref.simple_server import make_server
from mysite.wsgi import application
make_server("127.0.0.1", int(sys.argv[1]), application).serve_forever()
"""


@contextmanager
def wsgi_server(project: Path, port: int) -> Iterator[None]:
    command = [sys.executable, "-c", WSGI, str(port)]
    with (project / "wsgi.log").open("w") as log:
        server = subprocess.Popen(command, cwd=project, env=CLEAN, stderr=log)
    try:
        eventually(lambda: answers(port), within=30, what=(project / "wsgi.log").read_text)
        yield
    finally:
        server.kill()
        server.wait()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code > 0
    except httpx.TransportError:
        return False


def lines_of_nginx(port: int) -> dict[str, str]:
    """Changes of the documented site: the recipe's, with the port of ``serve``."""
    recipe = section(INTEGRATION, "### Beside a WSGI server")
    upstream, location = fences(recipe, "nginx")
    [proxy_pass] = inline(recipe, "^proxy_pass")
    assert "127.0.0.1:8001" in upstream
    socket = "location = /ws/ {\n        "
    return {
        "upstream mysite {": f"{upstream.replace('8001', str(port))}\nupstream mysite {{",
        f"{socket}proxy_pass http://mysite;": f"{socket}{proxy_pass}",
        "    location /static/ {": f"{location}\n    location /static/ {{",
    }


def test_the_dot_is_green_beside_a_wsgi_server(page: Page, tmp_path: Path) -> None:
    project = begin("magazine", tmp_path)
    template = add_to_wsgi_project(project)
    edit(project / "mysite/templates/base.html", "</body>", inline(template, "^{%")[0] + "</body>")
    add_settings(project, *fences(section(OPERATIONS, "## Behind nginx"), "python"))
    add_settings(project, "ALLOWED_HOSTS.append('127.0.0.1')  # asked by this test")
    manage(project, "collectstatic", "--no-input")
    shutil.copytree(project / "staticfiles", tmp_path / "static")
    pages = free_port()
    with wsgi_server(project, pages), serving(project, ROOT, "manage.py serve") as sockets:
        port = int(sockets.address.rstrip("/").rpartition(":")[2])
        with Nginx(tmp_path, pages, limits=lines_of_nginx(port)) as nginx:
            log_in(page, f"{nginx.origin}/login/")
            expect_green(page)
            assert nginx.get("/realtime/health/").json()["total_connections"] == 1
            user = page.evaluate("document.querySelector('realtime-status').client.stats().user")
    assert user == "1"
    assert "GET /ws/" not in (project / "wsgi.log").read_text()
