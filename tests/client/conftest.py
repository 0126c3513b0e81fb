"""The scripted server of a test."""

from collections.abc import AsyncIterator

import pytest

from .scripted_server import ScriptedServer, scripted_server


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as script:
        yield script
