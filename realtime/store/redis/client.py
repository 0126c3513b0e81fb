"""Our own clients of Redis: a bounded pool, short timeouts, and no retries."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.connection import parse_url as parse_loop_url
from redis.asyncio.retry import Retry as LoopRetry
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from ..contract import StoreUnavailable

# Connections of a process, or of an event loop; further calls wait for one.
CONNECTIONS = 16


class _Pool(redis.BlockingConnectionPool):
    """Closes the connection of a call that failed without an answer.

    redis-py closes one that fails while it sends or reads. But a signal handler, such as that of a
    task's time limit, may raise between the two; the next call would take the outstanding answer
    for its own. In an event loop nothing is raised there.

    An exception that the caller was handling before the call does not count.
    """

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        connection = super().get_connection(*args, **kwargs)  # type: ignore[no-untyped-call]
        connection.handled_before = sys.exception()
        return connection

    def release(self, connection: Any) -> None:
        # A connection that could not be made has none.
        before, connection.handled_before = getattr(connection, "handled_before", None), None
        error = sys.exception()
        if error is not before and not isinstance(error, redis.ResponseError | None):
            connection.disconnect()
        super().release(connection)  # type: ignore[no-untyped-call]


def blocking_client(url: str, *, timeout: float) -> "redis.Redis":
    """A client for threads, also after a fork. It waits ``timeout`` seconds for a free
    connection, and as long for an answer. Raises ValueError for an invalid URL."""
    timeouts = {"timeout": timeout, "socket_timeout": timeout, "socket_connect_timeout": timeout}
    options = {**_options(url, parse_url), **timeouts, "retry": Retry(NoBackoff(), 0)}
    pool = _Pool(**options)  # type: ignore[no-untyped-call]
    _check_options(pool.connection_class, pool.connection_kwargs)
    return redis.Redis.from_pool(pool)


def loop_client(url: str) -> "redis.asyncio.Redis":
    """A client for one event loop without timeouts: its user limits the time of a call, and makes
    at most CONNECTIONS calls at a time. Raises ValueError for an invalid URL."""
    timeouts = {"socket_timeout": None, "socket_connect_timeout": None}
    options = {**_options(url, parse_loop_url), **timeouts, "retry": LoopRetry(NoBackoff(), 0)}
    return redis.asyncio.Redis.from_pool(redis.asyncio.ConnectionPool(**options))


def accepts(url: str) -> bool:
    """Whether a client can be made from this URL. Does not connect."""
    try:
        blocking_client(url, timeout=1.0)
    except ValueError:
        return False
    return True


def _check_options(connection: Callable[..., object], options: dict[str, Any]) -> None:
    """redis-py reads a URL's options only when it makes a connection: make one, without connecting,
    so that invalid options fail early."""
    try:
        connection(**options)
    except (TypeError, redis.RedisError) as error:
        raise ValueError(str(error)) from None


def _options(url: str, parse: Callable[[str], Any]) -> dict[str, Any]:
    """Ours override those of the URL. With protocol 2 redis-py detects an unread answer before it
    uses a connection again, and the server pushes nothing."""
    # Valkey's schemes mean the same.
    options = parse(f"redis{url.removeprefix('valkey')}" if url.startswith("valkey") else url)
    ours = {"max_connections": CONNECTIONS, "protocol": 2, "decode_responses": False}
    if "path" not in options:
        ours["socket_keepalive"] = True
    return {**options, **ours, "retry_on_timeout": False}


def is_demoted(error: redis.ResponseError) -> bool:
    """Whether the server has become a replica of another.

    Its connections stay open, so the caller closes them: the URL may lead to the other server by
    now. Redis 6 hides the error's name within a text.
    """
    return "read only replica" in str(error)


@contextmanager
def translate_redis_errors() -> Iterator[None]:
    """Raises StoreUnavailable if Redis or the connection to it fails, and errors of the call
    unchanged: a script that fails, a key of another type."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        if not is_outage(error):
            raise
        raise StoreUnavailable(_text_of(error)) from error
    except ValueError as error:  # redis-py's for bytes outside Redis's protocol
        raise StoreUnavailable(str(error)) from error


def is_outage(error: Exception) -> bool:
    """Whether redis-py's error means that Redis fails, not that the call is wrong."""
    if type(error) is redis.ResponseError:  # its name is none that redis-py knows
        return bool(_FAILURES.search(str(error)))
    return not isinstance(error, redis.DataError | redis.exceptions.ClusterCrossSlotError)


# Errors about Redis itself; if a script was running, Redis 6 has them within a sentence.
_FAILURES = re.compile(
    r"(?:^|-)(?:OOM|READONLY|NOPERM|NOAUTH|WRONGPASS|LOADING|BUSY|MISCONF|MASTERDOWN|NOREPLICAS|"
    r"CLUSTERDOWN|TRYAGAIN|MOVED|ASK|UNKILLABLE|DENIED) |The user executing the script can't"
)


# The names by which operators know these errors; redis-py drops them.
_NAMES: dict[type[Exception], str] = {
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.BusyLoadingError: "LOADING",
}


def _text_of(error: Exception) -> str:
    name, text = _NAMES.get(type(error), ""), str(error) or type(error).__name__
    return text if text.startswith(name) else f"{name} {text}"
