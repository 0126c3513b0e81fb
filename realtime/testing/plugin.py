"""Fixtures for pytest, with ``pytest_plugins = ["realtime.testing.plugin"]`` in the ``conftest.py``
at the top. They need pytest-django and pytest-asyncio."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from .clock import Clock, turned_clock
from .publications import Published, capture_publications
from .sockets import Socket, connect
from .workers import stop_worker

Connect = Callable[..., Coroutine[Any, Any, Socket]]


@pytest_asyncio.fixture
async def realtime_worker(transactional_db: None) -> AsyncIterator[None]:
    """Stops the worker of the test's event loop at its end."""
    yield
    await stop_worker()


@pytest_asyncio.fixture
async def realtime_connect(realtime_worker: None) -> AsyncIterator[Connect]:
    """``await realtime_connect(user, rooms=…)`` opens a socket, see
    :func:`realtime.testing.connect`; all of them are lost at the end of the test."""
    async with AsyncExitStack() as stack:

        async def open_socket(user: Any = None, **options: Any) -> Socket:
            return await stack.enter_async_context(connect(user, **options))

        yield open_socket


@pytest_asyncio.fixture
async def realtime_clock(realtime_worker: None) -> AsyncIterator[Clock]:
    """A clock to turn, see :func:`realtime.testing.turned_clock`."""
    async with turned_clock() as clock:
        yield clock


@pytest.fixture
def realtime_publications() -> Iterator[list[Published]]:
    """The publications of the test, see :func:`realtime.testing.capture_publications`."""
    with capture_publications() as published:
        yield published
