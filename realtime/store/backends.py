"""The values of the setting ``STORE``, and the store each one means.

Imports a store only when it is chosen: settings are read before Django is ready, and importing the
client of Redis takes long.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from realtime.common.threads import Threads

    from .contract import BlockingStore, Store
    from .params import StoreParams

EXPECTED = '"database", "database:<alias>" or the URL of a Redis like "redis://localhost:6379/0"'

_SCHEMES = ("redis", "rediss", "valkey", "valkeys", "unix")


def is_redis(text: str) -> bool:
    """Whether this looks like the URL of a Redis."""
    return text.partition("://")[0] in _SCHEMES


def is_store(text: str) -> bool:
    """Whether this names a store."""
    if is_redis(text):
        return _is_url(text) and _has_valid_options(text)
    return text == "database" or bool(re.fullmatch("database:.+", text))


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        if parts.scheme == "unix":
            return bool(parts.path)
        # redis-py takes a path that is no number for database 0.
        named = parts.hostname and parts.port != 0
        return bool(named and re.fullmatch(r"(/[0-9]*)?", parts.path))
    except ValueError:  # a port that is no number, or brackets without an address
        return False


def _has_valid_options(text: str) -> bool:
    """Whether the client of Redis accepts the options after a "?"."""
    from .redis.client import accepts

    return accepts(text)


def database_alias(text: str) -> str:
    """The database of the history, and of the sessions unless they are in Redis."""
    return "default" if is_redis(text) else text.partition(":")[2] or "default"


def blocking_store(text: str, params: "StoreParams") -> "BlockingStore":
    """The store for threads."""
    if is_redis(text):
        from . import redis

        return redis.blocking_store(text, params)
    from . import database

    return database.blocking_store(database_alias(text), params)


def loop_store(text: str, params: "StoreParams", threads: "Threads") -> "Store":
    """The store for the running event loop; ``threads`` are for a database."""
    if is_redis(text):
        from . import redis

        return redis.loop_store(text, params)
    from . import database

    return database.loop_store(database_alias(text), params, threads)
