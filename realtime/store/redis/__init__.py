"""The store on Redis, for any number of workers on any number of machines."""

from functools import lru_cache

from ..log import DEFAULT_BOUNDS, LogBounds
from ..ownership import Owner
from ..timeouts import Timeouts
from .blocking import BlockingRedisStore
from .client import blocking_client, loop_client
from .operations import RedisOperations
from .scripts import ScriptCalls
from .store import RedisStore

__all__ = ["BlockingRedisStore", "RedisStore", "blocking_store", "loop_store"]


@lru_cache(maxsize=8)  # one in a process; tests have more
def blocking_store(
    url: str,
    timeouts: Timeouts,
    *,
    prefix: str,
    timeout: float,
    bounds: LogBounds = DEFAULT_BOUNDS,
    owner: Owner | None = None,
) -> BlockingRedisStore:
    """The store for threads: always the same one, with its one pool of connections. ``timeout`` in
    seconds. Raises ValueError for an invalid URL."""
    client = blocking_client(url, timeout=timeout)
    operations = RedisOperations(ScriptCalls(timeouts), bounds, owner=owner)
    return BlockingRedisStore(client, operations, prefix=prefix)


def loop_store(
    url: str,
    timeouts: Timeouts,
    *,
    prefix: str,
    timeout: float,
    bounds: LogBounds = DEFAULT_BOUNDS,
    owner: Owner | None = None,
) -> RedisStore:
    """The store for the running event loop, with connections of its own; ``timeout`` in seconds."""
    blocking = blocking_store(
        url, timeouts, prefix=prefix, timeout=timeout, bounds=bounds, owner=owner
    )
    return RedisStore(loop_client(url), blocking, prefix=prefix, timeout=timeout)
