"""A worker of this process."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from realtime.worker import instances
from realtime.worker.runtime import Runtime
from tests.consumers.client import QUICK


@pytest.fixture
async def worker(transactional_db: None, settings: Any) -> AsyncIterator[Runtime]:
    settings.REALTIME = QUICK
    worker = await instances.start()
    yield worker
    await worker.stop()
