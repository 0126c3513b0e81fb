"""The wheel in a fresh project, by the README's quick start and by the recipes for static files, to
the letter: a green dot."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.chromium import ARGUMENTS
from tests.polling import eventually
from tests.test_docs import INTEGRATION, OPERATIONS, fences, section

from .nginx_server import NAME, Nginx
from .support import ANSWERING, STARTING, free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CHROMIUM = [*ARGUMENTS, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]

VIEW = """
from django.contrib.auth.decorators import login_required
from django.shortcuts import render

@login_required(login_url="/admin/login/")
def home(request):
    return render(request, "home.html")
"""


# The project is its own: nothing of this test run's Django may reach it.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "REALTIME_"))}


def run(*command: str, cwd: Path, **env: str) -> None:
    environ = {**CLEAN, **env}
    subprocess.run(command, cwd=cwd, env=environ, check=True, timeout=120, capture_output=True)


def blocks() -> dict[str, str]:
    """The quick start's code blocks: settings, asgi, urls, template."""
    found = fences(section(README, "## Quick start"), r"\w+")
    return dict(zip(("settings", "asgi", "urls", "template"), found, strict=True))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built wheel's contents, ahead of this checkout on the path."""
    folder = tmp_path_factory.mktemp("wheel")
    python = sys.executable
    run(python, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), cwd=ROOT)
    [wheel] = folder.glob("*.whl")
    target = folder / "site"
    run(python, "-m", "pip", "install", "--no-deps", "--target", str(target), str(wheel), cwd=ROOT)
    return target


@pytest.fixture(scope="module")
def project(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``django-admin startproject mysite``, then the quick start."""
    folder = tmp_path_factory.mktemp("quickstart")
    run(sys.executable, "-m", "django", "startproject", "mysite", str(folder), cwd=folder)
    snippet = blocks()
    follow_settings(folder / "mysite" / "settings.py", snippet["settings"])
    (folder / "mysite" / "asgi.py").write_text(snippet["asgi"])
    follow_urls(folder / "mysite" / "urls.py", snippet["urls"])
    (folder / "mysite" / "views.py").write_text(VIEW)
    (folder / "templates").mkdir()
    (folder / "templates" / "home.html").write_text(snippet["template"])
    env = {"PYTHONPATH": str(installed), "DJANGO_SUPERUSER_PASSWORD": "let-me-in"}
    run(sys.executable, "manage.py", "migrate", cwd=folder, **env)
    admin = ("createsuperuser", "--noinput", "--username=admin", "--email=a@example.com")
    run(sys.executable, "manage.py", *admin, cwd=folder, **env)
    return folder


def follow_settings(path: Path, snippet: str) -> None:
    assert '    "daphne",' in snippet
    assert '    "realtime",' in snippet
    own = snippet[snippet.index("ASGI_APPLICATION = ") :]
    assert "LOGGING = " in own
    text = path.read_text()
    text = text.replace("INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "daphne",\n    "realtime",')
    text = text.replace("'DIRS': []", "'DIRS': [BASE_DIR / 'templates']")
    path.write_text(f"{text}\n{own}\n")


def follow_urls(path: Path, snippet: str) -> None:
    text = path.read_text().replace("import path", "import include, path")
    text = text.replace("urlpatterns = [", f"urlpatterns = [\n    path('', views.home),\n{snippet}")
    path.write_text(
        text.replace("from django.contrib", "from mysite import views\nfrom django.contrib")
    )


class Site(NamedTuple):
    """A server of the project, as its visitors see it."""

    address: str
    output: Path


@contextmanager
def serving(folder: Path, installed: Path, command: str) -> Iterator[Site]:
    """The project served by a command of its ``manage.py``, which takes a free port."""
    output = folder / "output"
    port = f" {free_port()} --noreload" if "runserver" in command else " --port 0"
    with output.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, *f"{command}{port}".split()],
            cwd=folder,
            env={**CLEAN, "PYTHONPATH": str(installed), "PYTHONUNBUFFERED": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        found = eventually(
            lambda: re.search(r"http://[\d.:]+/", output.read_text()),
            within=STARTING,
            what=output.read_text,
        )
        eventually(partial(answers, found.group()), within=STARTING, what=output.read_text)
        yield Site(found.group(), output)
    finally:
        server.terminate()
        assert server.wait(timeout=ANSWERING) == 0
    assert "Traceback" not in output.read_text()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}realtime/live/").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(ignore_https_errors=True) as context:
        yield context.new_page()


def see_a_green_dot(page: Page, address: str) -> str:
    """Log in and wait for the dot. Returns the address of the page's script."""
    page.goto(address)
    page.fill("#id_username", "admin")
    page.fill("#id_password", "let-me-in")
    page.click("input[type=submit]")
    status = page.locator("realtime-status")
    expect(status.get_by_role("button").first).to_contain_text("connected", timeout=20_000)
    expect(status.locator("[part~=dot]").first).to_be_visible()
    health = page.evaluate("fetch('/realtime/health/').then((answer) => answer.json())")
    assert health["total_connections"] == 1
    return str(page.evaluate("document.querySelector('script').src"))


def commands(text: str) -> list[str]:
    """The commands of ``manage.py`` in a text, in order."""
    return re.findall(r"^ {4,}python (manage\.py .+)$", text, re.MULTILINE)


# In development


def test_the_dot_is_green_and_the_log_says_who_came(
    project: Path, installed: Path, page: Page
) -> None:
    steps = section(README, "## Quick start")
    migrate, *_, serve = commands(steps.split("\n5. ")[1])
    assert migrate == "manage.py migrate"
    assert commands(section(INTEGRATION, "### In development")) == [serve]
    with serving(project, installed, serve) as site:
        script = see_a_green_dot(page, site.address)
        opened = r"INFO realtime.sessions: session \w{8} of admin .* opened"
        assert re.search(opened, site.output.read_text())
    assert script == f"{site.address}static/realtime/realtime-status.js"


# In production


@pytest.fixture
def production(project: Path, tmp_path: Path) -> Path:
    """A copy of the project that is about to follow a recipe for production."""
    folder = tmp_path / "production"
    shutil.copytree(project, folder)
    append_settings(folder, "DEBUG = False\nALLOWED_HOSTS = ['127.0.0.1']\n")
    return folder


def append_settings(folder: Path, code: str) -> None:
    with (folder / "mysite" / "settings.py").open("a") as file:
        file.write(f"\n{code}")


def collect(folder: Path, installed: Path, recipe: str) -> str:
    """Run the commands of a recipe but for the last, which serves and is returned."""
    *first, serve = commands(recipe)
    for command in first:
        run(sys.executable, *command.split(), cwd=folder, PYTHONPATH=str(installed))
    return serve


def test_whitenoise_serves_hashed_files(production: Path, installed: Path, page: Page) -> None:
    recipe = section(INTEGRATION, "### With WhiteNoise")
    append_settings(production, *fences(recipe, "python"))
    serve = collect(production, installed, recipe)
    with serving(production, installed, serve) as site:
        script = see_a_green_dot(page, site.address)
    assert re.fullmatch(r".+/static/realtime/realtime-status\.\w{12}\.js", script)


@pytest.mark.matrix
def test_a_web_server_in_front_serves_hashed_files(
    production: Path, installed: Path, page: Page, tmp_path: Path
) -> None:
    recipe = section(INTEGRATION, "### With a web server in front")
    [code] = fences(recipe, "python")
    assert "/srv/mysite/static/" in code
    append_settings(production, code.replace("/srv/mysite/static/", f"{tmp_path}/static/"))
    append_settings(production, *fences(section(OPERATIONS, "## Behind nginx"), "python"))
    append_settings(production, "ALLOWED_HOSTS.append('127.0.0.1')  # asked by this test\n")
    serve = collect(production, installed, recipe)
    with serving(production, installed, serve) as site:
        port = int(site.address.rstrip("/").rpartition(":")[2])
        with Nginx(tmp_path, port) as nginx:
            script = see_a_green_dot(page, f"{nginx.origin}/")
    assert re.fullmatch(r".+/static/realtime/realtime-status\.\w{12}\.js", script)


def test_the_code_ran_from_the_wheel(installed: Path, project: Path) -> None:
    code = "import realtime; print(realtime.__file__)"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env={**CLEAN, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert str(installed) in answer.stdout
