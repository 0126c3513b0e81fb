"""A Chromium with a microphone that beeps, and the app ``voice`` as docs/voice.md has it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.support import Project
from tests.test_docs import DOCS

from ..conftest import ARGUMENTS, CHROMIUM

MICROPHONE = "--use-fake-device-for-media-stream"
FILE = re.compile(r"^`(voice/\S+)`[^\n]*\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="package")
def browser(browser: Browser) -> Iterator[Browser]:
    arguments = [*ARGUMENTS, MICROPHONE]
    chromium = browser.browser_type.launch(executable_path=CHROMIUM, args=arguments)
    yield chromium
    chromium.close()


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    for name, text in FILE.findall((DOCS / "voice.md").read_text()):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.browser.voice.settings",
        "VOICE_FOLDER": str(tmp_path),
    }
    return Project.copy(template, tmp_path, environ=environ)
