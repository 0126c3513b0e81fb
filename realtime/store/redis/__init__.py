"""The store on Redis, for any number of workers on any number of machines."""

from functools import lru_cache

from ..params import StoreParams
from .blocking import BlockingRedisStore
from .client import blocking_client, loop_client
from .operations import RedisOperations
from .scripts import ScriptCalls
from .store import RedisStore

__all__ = ["BlockingRedisStore", "RedisStore", "blocking_store", "loop_store"]


@lru_cache(maxsize=8)  # one in a process; tests have more
def blocking_store(url: str, params: StoreParams) -> BlockingRedisStore:
    """The store for threads: always the same one, with its one pool of connections. Raises
    ValueError for an invalid URL."""
    client = blocking_client(url, timeout=params.timeout)
    operations = RedisOperations(ScriptCalls(params.timeouts), params.bounds, owner=params.owner)
    return BlockingRedisStore(client, operations, prefix=params.prefix)


def loop_store(url: str, params: StoreParams) -> RedisStore:
    """The store for the running event loop, with connections of its own."""
    blocking = blocking_store(url, params)
    return RedisStore(loop_client(url), blocking, prefix=params.prefix, timeout=params.timeout)
