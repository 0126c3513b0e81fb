"""Servers with small limits, of both kinds: they have to behave alike."""

from collections.abc import Iterator

import pytest

from ..server_support import ServerProcess
from .stalling import SHORT


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of server."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str) -> Iterator[ServerProcess]:
    """A server with small limits, for tests that leave it as it was."""
    limits = {"max_message_size": 1000, "close_timeout": 0.5}
    with ServerProcess(server=kind, limits=limits) as process:
        yield process


@pytest.fixture(scope="module")
def hasty(kind: str) -> Iterator[ServerProcess]:
    """A server with short deadlines; its ping timeout is longer than the interval."""
    with ServerProcess(server=kind, limits=SHORT) as process:
        yield process
