"""The callbacks of a server, which it calls while it starts, serves and drains."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleCallbacks:
    """The server makes every call on its event loop.

    ``start()`` is awaited before the server accepts the first connection; ``listening(host,
    port)`` follows it. On a signal or ``stop`` the server awaits ``begin_drain()`` while it still
    accepts requests, then ``drain()``, which says goodbye to every client.
    ``refused(reason, words)`` reports a connection that the server turns away by itself:
    "capacity" or "draining", and words for the log.
    """

    start: Callable[[], Awaitable[object]] = _nothing
    listening: Callable[[str, int], object] = lambda _host, _port: None
    begin_drain: Callable[[], Awaitable[object]] = _nothing
    drain: Callable[[], Awaitable[object]] = _nothing
    refused: Callable[[str, str], object] = lambda _reason, _words: None
