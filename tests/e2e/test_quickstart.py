"""The wheel in a fresh project, by the README's quick start to the letter: a green dot."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.polling import eventually

ROOT = Path(__file__).parents[2]
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
CHROMIUM += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

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
    section = (ROOT / "README.md").read_text().split("## Quick start")[1].split("\n## ")[0]
    found = re.findall(r"^   ```\w+\n(.*?)^   ```", section, re.MULTILINE | re.DOTALL)
    unindented = [re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in found]
    return dict(zip(("settings", "asgi", "urls", "template"), unindented, strict=True))


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


@pytest.fixture(scope="module")
def output(project: Path) -> Path:
    """The file of the server's output."""
    return project / "output"


@pytest.fixture(scope="module")
def address(project: Path, installed: Path, output: Path) -> Iterator[str]:
    """The project served by its own ``manage.py serve`` on a free port."""
    with output.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", "0"],
            cwd=project,
            env={**CLEAN, "PYTHONPATH": str(installed), "PYTHONUNBUFFERED": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        found = eventually(lambda: re.search(r"http://[\d.:]+/", output.read_text()), within=30)
        yield found.group()
    finally:
        server.terminate()
        assert server.wait(timeout=10) == 0


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser.new_page()
        browser.close()


def test_the_dot_is_green_and_the_log_says_who_came(address: str, page: Page, output: Path) -> None:
    page.goto(address)
    page.fill("#id_username", "admin")
    page.fill("#id_password", "let-me-in")
    page.click("input[type=submit]")
    status = page.locator("realtime-status")
    expect(status.get_by_role("button").first).to_contain_text("connected", timeout=10_000)
    expect(status.locator("[part~=dot]").first).to_be_visible()
    assert page.request.get(address + "realtime/health/").json()["total_connections"] == 1
    assert re.search(
        r"INFO realtime.sessions: session \w{8} of admin .* opened", output.read_text()
    )


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
