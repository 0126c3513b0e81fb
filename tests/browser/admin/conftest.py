"""A project, its server and pages for each test of the admin."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.support import PASSWORD, Project, Server

from .list_page import NewPage

MAKE_WATCHER = f"""
from django.contrib.auth.models import Permission, User
user = User.objects.create_user("watcher", password={PASSWORD!r}, is_staff=True)
user.user_permissions.set(Permission.objects.filter(codename="view_livesession"))
"""


@pytest.fixture(scope="package")
def watched(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template database, with a user "watcher" who may only view sessions."""
    project = Project.copy(template, tmp_path_factory.mktemp("watched"))
    project.shell(MAKE_WATCHER)
    return project.database


@pytest.fixture
def project(watched: Path, tmp_path: Path) -> Project:
    """A project without sessions."""
    return Project.copy(
        watched, tmp_path, ping_interval=1, pong_timeout=1, resume_window=60, sweep_interval=2
    )


@pytest.fixture
def server(project: Project) -> Iterator[Server]:
    with project.serve() as server:
        yield server
        # Only errors: Django logs a refusal as a warning with a traceback.
        assert server.lines_with(" ERROR ") == []


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """A function that opens a page with its own cookies; options are those of ``new_context``."""
    contexts: list[BrowserContext] = []

    def page(**options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-GB", **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield page
    for context in contexts:
        context.close()
