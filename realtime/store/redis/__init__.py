"""The store on Redis, for any number of workers on any number of machines."""

from functools import lru_cache

from ..log import BOUNDS, LogBounds
from ..ownership import Owner
from ..timeouts import Timeouts
from .blocking import RedisSessions
from .client import blocking_client, loop_client
from .operations import Operations
from .scripts import ScriptCalls
from .store import RedisStore

__all__ = ["RedisSessions", "RedisStore", "blocking_store", "loop_store"]


@lru_cache(maxsize=8)  # one in a process, unless a test has its own
def blocking_store(
    url: str,
    windows: Timeouts,
    *,
    prefix: str,
    timeout: float,
    bounds: LogBounds = BOUNDS,
    owner: Owner | None = None,
) -> RedisSessions:
    """The store for threads: always the same one, with its one pool of connections.

    Raises ValueError for what is not the URL of a Redis.
    """
    client = blocking_client(url, timeout=timeout)
    return RedisSessions(
        client, Operations(ScriptCalls(windows), bounds, owner=owner), prefix=prefix
    )


def loop_store(
    url: str,
    windows: Timeouts,
    *,
    prefix: str,
    timeout: float,
    bounds: LogBounds = BOUNDS,
    owner: Owner | None = None,
) -> RedisStore:
    """The store for the running event loop, with connections of its own."""
    blocking = blocking_store(
        url, windows, prefix=prefix, timeout=timeout, bounds=bounds, owner=owner
    )
    talks = blocking.talks  # what one of the two knows of the owner, both know
    return RedisStore(loop_client(url), talks, blocking=blocking, prefix=prefix, timeout=timeout)
