"""The demo with the default heartbeat and binary frames, and a connected page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.e2e.support import Project, Server

from ..conftest import enter
from .client_page import expect_state, take_client

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.browser.bytes_settings"}


@pytest.fixture(scope="package")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo with the default heartbeat: a silent connection is lost after 35 s."""
    return Project.copy(template, tmp_path_factory.mktemp("client"), environ=SETTINGS)


@pytest.fixture(scope="package")
def server(project: Project) -> Iterator[Server]:
    with project.serve() as process:
        yield process


@pytest.fixture
def ann(page: Page, server: Server) -> Page:
    """A connected page of the user ann; its client is ``window.client``."""
    enter(page, server, "ann")
    take_client(page)
    expect_state(page, "connected")
    return page
