"""Our own clients of Redis: bounded, impatient, and never repeating a command by themselves."""

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

# Connections of a process, or of an event loop; who needs one more waits for it.
CONNECTIONS = 16


class _Pool(redis.BlockingConnectionPool):
    """Takes no connection back as it is from a call that failed without an answer.

    redis-py closes one that fails while it sends or reads. But what a signal's handler raises,
    such as a task's time limit, may come between the two; the answer that is still to come would
    be taken for the next call's. In an event loop nothing is raised there.

    An exception that the caller was handling before the call says nothing about it.
    """

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        connection = super().get_connection(*args, **kwargs)  # type: ignore[no-untyped-call]
        connection.handled_before = sys.exception()
        return connection

    def release(self, connection: Any) -> None:
        # None of one that could not even be connected.
        before, connection.handled_before = getattr(connection, "handled_before", None), None
        error = sys.exception()
        if error is not before and not isinstance(error, redis.ResponseError | None):
            connection.disconnect()
        super().release(connection)  # type: ignore[no-untyped-call]


def blocking_client(url: str, *, timeout: float) -> "redis.Redis":
    """A client for threads, also after a fork. It waits ``timeout`` seconds for a free
    connection, and as long for an answer. Raises ValueError for what is not a URL of Redis."""
    patience = {"timeout": timeout, "socket_timeout": timeout, "socket_connect_timeout": timeout}
    options = {**_options(url, parse_url), **patience, "retry": Retry(NoBackoff(), 0)}
    pool = _Pool(**options)  # type: ignore[no-untyped-call]
    _rehearse(pool.connection_class, pool.connection_kwargs)
    return redis.Redis.from_pool(pool)


def loop_client(url: str) -> "redis.asyncio.Redis":
    """A client for one event loop without any timeout: its user holds the clock, and lets
    no more than CONNECTIONS calls in at a time. Raises ValueError like the other."""
    patience = {"socket_timeout": None, "socket_connect_timeout": None}
    options = {**_options(url, parse_loop_url), **patience, "retry": LoopRetry(NoBackoff(), 0)}
    return redis.asyncio.Redis.from_pool(redis.asyncio.ConnectionPool(**options))


def understands(url: str) -> bool:
    """Whether a client can be made from this URL. Connects to nobody."""
    try:
        blocking_client(url, timeout=1.0)
    except ValueError:
        return False
    return True


def _rehearse(connection: Callable[..., object], options: dict[str, Any]) -> None:
    """What a URL says after its "?" is looked at only when a connection is made: make one,
    without connecting, and say early that it cannot be."""
    try:
        connection(**options)
    except (TypeError, redis.RedisError) as error:
        raise ValueError(str(error)) from None


def _options(url: str, parse: Callable[[str], Any]) -> dict[str, Any]:
    """Ours go before what the URL says. With protocol 2 a connection with an unread answer
    is found out before it is used again, and nothing is pushed."""
    # Valkey's schemes mean the same.
    options = parse(f"redis{url.removeprefix('valkey')}" if url.startswith("valkey") else url)
    ours = {"max_connections": CONNECTIONS, "protocol": 2, "decode_responses": False}
    if "path" not in options:
        ours["socket_keepalive"] = True
    return {**options, **ours, "retry_on_timeout": False}


def is_demoted(error: redis.ResponseError) -> bool:
    """Whether it comes from a server that has become a copy of another.

    Its connections stay open, so they have to be made anew: the URL may lead to the other one
    by now. Redis 6 hides the error's name within a text.
    """
    return "read only replica" in str(error)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raises StoreUnavailable if Redis, or the way to it, fails, and as they are the errors of what
    it was asked for: a script that fails, a key of another type."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        if not is_outage(error):
            raise
        raise StoreUnavailable(_words(error)) from error


def is_outage(error: Exception) -> bool:
    """Whether an error of redis-py's says that Redis fails, not what it was asked for."""
    if type(error) is redis.ResponseError:  # without a name that redis-py would know
        return bool(_FAILURES.search(str(error)))
    return not isinstance(error, redis.DataError | redis.exceptions.ClusterCrossSlotError)


# What Redis says of itself; where a script was under way, Redis 6 says it within a sentence.
_FAILURES = re.compile(
    r"(?:^|-)(?:OOM|READONLY|NOPERM|NOAUTH|WRONGPASS|LOADING|BUSY|MISCONF|MASTERDOWN|NOREPLICAS|"
    r"CLUSTERDOWN|TRYAGAIN|MOVED|ASK|UNKILLABLE|DENIED) |The user executing the script can't"
)


# The names of errors by which operators know them; redis-py makes types of them and drops them.
_NAMES: dict[type[Exception], str] = {
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.BusyLoadingError: "LOADING",
}


def _words(error: Exception) -> str:
    name, text = _NAMES.get(type(error), ""), str(error) or type(error).__name__
    return text if text.startswith(name) else f"{name} {text}"
