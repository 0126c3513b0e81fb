"""One migrated database with users, made once; every project of a test copies it."""

from pathlib import Path

import pytest

from tests.e2e import support


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return support.make_database(tmp_path_factory.mktemp("template"))
