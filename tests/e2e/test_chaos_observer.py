"""The observer of chaos by itself: what it notes is in the order in which it was so."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from realtime.store.log import PublishRequest
from realtime.store.redis import blocking_store
from tests.redis_server import RedisServer
from tests.store.store_fixtures import params

from .chaos import observer as observing
from .chaos.observer import Observer
from .chaos.record import History

PREFIX, ROOM = "tests", "chat:one"
TRIMS, KEPT = 100, 5


@contextmanager
def talking(server: RedisServer) -> Iterator[None]:
    """Publish without a pause."""
    store = blocking_store(server.url, params(prefix=PREFIX, timeout=10.0))
    enough = threading.Event()

    def talk() -> None:
        number = 0
        while not enough.wait(0.0005):
            number += 1
            data = json.dumps({"id": f"{number}", "to": ROOM, "text": ""})
            store.log.append([PublishRequest(ROOM, data)])

    speaker = threading.Thread(target=talk)
    speaker.start()
    try:
        yield
    finally:
        enough.set()
        speaker.join()


async def test_a_log_that_is_trimmed_while_it_is_looked_at_has_one_order(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server.flush()
    monkeypatch.setattr(observing, "EVERY", 0.001)
    history = History()
    observer = Observer(redis_server.port, history, [ROOM], prefix=PREFIX)
    with talking(redis_server):
        looking = asyncio.create_task(observer.run())
        taken = sum([await observer.trim(ROOM, keep=KEPT) for _ in range(TRIMS)])
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
    (life,) = history.lives[ROOM]
    assert not history.oddities
    assert life.gone >= taken > 0
    assert life.top > life.gone
