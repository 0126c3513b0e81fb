"""The steps of docs/integration.md on a copy of a project, with the docs' own code and commands."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import WAIT_MS
from tests.e2e.server_support import ROOT
from tests.e2e.test_quickstart import Site, blocks, commands, run, serving
from tests.test_docs import INTEGRATION, fences, section

HERE = Path(__file__).parent
NAME, PASSWORD = "admin@example.com", "let-me-in"
SET_UP = f"""
import django
from django.contrib.auth import get_user_model
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)
get_user_model().objects.create_superuser({NAME!r}, password={PASSWORD!r})
"""


def begin(name: str, folder: Path) -> Path:
    """A copy of a project as it is without us, with the user ``NAME``."""
    project = folder / name
    shutil.copytree(HERE / name, project)
    settings = {"DJANGO_SETTINGS_MODULE": "mysite.settings"}
    run(sys.executable, "-c", SET_UP, cwd=project, PYTHONPATH=str(ROOT), **settings)
    return project


def manage(project: Path, *arguments: str, **env: str) -> None:
    """Run a command of ``manage.py`` to its end."""
    run(sys.executable, "manage.py", *arguments, cwd=project, PYTHONPATH=str(ROOT), **env)


def recipe(heading: str, text: str = INTEGRATION) -> list[str]:
    """The numbered steps under a heading, of docs/integration.md."""
    return re.split(r"^\d\. ", section(text, heading), flags=re.MULTILINE)[1:]


def code(step: str) -> str:
    """The one block of Python in a step."""
    [block] = fences(step, "python")
    return block


def inline(step: str, pattern: str) -> list[str]:
    """The pieces of inline code in a step that match a pattern, in order."""
    return [piece for piece in re.findall(r"`([^`\n]+)`", step) if re.search(pattern, piece)]


def edit(path: Path, before: str, after: str) -> None:
    """Replace a text that a file has once."""
    text = path.read_text()
    assert text.count(before) == 1, before
    path.write_text(text.replace(before, after))


def add_apps(project: Path, *, first: str, last: str) -> None:
    """Add lines of code at both ends of ``INSTALLED_APPS``."""
    settings = project / "mysite/settings.py"
    apps = re.search(r"(?<=^INSTALLED_APPS = \[\n).*?(?=^\]$)", settings.read_text(), re.M | re.S)
    assert apps
    edit(settings, apps[0], f"{first}{apps[0]}{last}")


def add_settings(project: Path, text: str) -> None:
    with (project / "mysite/settings.py").open("a") as file:
        file.write(f"\n{text}\n")


def add_urls(project: Path, line: str) -> None:
    """Add a line at the top of ``urlpatterns``."""
    urls = project / "mysite/urls.py"
    text = re.sub(r"^(from django\.urls import )", r"\1include, ", urls.read_text(), flags=re.M)
    urls.write_text(text.replace("urlpatterns = [", f"urlpatterns = [\n    {line},", 1))


def add_to_wsgi_project(project: Path) -> str:
    """Follow the recipe for projects without Channels but for its last step, the template, which
    is returned."""
    apps, asgi, urls, serve, template = recipe("## A project without Channels")
    first, last = inline(apps, '^"')
    add_apps(project, first=f"    {first},\n", last=f"    {last},\n")
    assert inline(apps, "_APP") == ["INSTALLED_APPS", "ASGI_APPLICATION"]
    [setting] = re.findall("^ASGI_APPLICATION = .+$", blocks()["settings"], re.MULTILINE)
    add_settings(project, setting)
    (project / "mysite/asgi.py").write_text(code(asgi))
    add_urls(project, *inline(urls, "^path"))
    migrate, _ = inline(serve, "^python manage.py")
    manage(project, *migrate.split()[2:])
    return template


@contextmanager
def serving_with_whitenoise(project: Path) -> Iterator[Site]:
    """Run the commands of the recipe for WhiteNoise, which the project has already."""
    collect, serve = commands(section(INTEGRATION, "### With WhiteNoise"))
    manage(project, *collect.split()[1:])
    with serving(project, ROOT, serve) as site:
        yield site


def log_in(page: Page, address: str) -> None:
    """Submit the form at this address, as the user of :func:`begin`."""
    page.goto(address)
    page.fill("#id_username", NAME)
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")


def expect_green(page: Page, word: str = "connected") -> Locator:
    """Wait until the status element is connected. Returns it."""
    status = page.locator("realtime-status")
    expect(status.locator("[part=word]")).to_have_text(word, timeout=WAIT_MS)
    return status
