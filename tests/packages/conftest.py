"""The packages of a release, built once for the tests of a folder."""

import pytest

from release.dist import Packages, build


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return build(tmp_path_factory.mktemp("dist"))
