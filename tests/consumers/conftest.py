"""A worker for consumers without a server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from realtime.worker import instances
from realtime.worker.runtime import Runtime

from .client import QUICK


@pytest.fixture
async def worker(
    request: pytest.FixtureRequest, transactional_db: None, settings: Any
) -> AsyncIterator[Runtime]:
    """A worker with these settings, and those that a test gives indirectly."""
    settings.REALTIME = {**QUICK, **getattr(request, "param", {})}
    worker = await instances.start()
    yield worker
    await worker.stop()
