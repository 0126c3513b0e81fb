"""What every server is given: limits, lifecycle, a listening socket; and what all do alike."""

import logging
import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

access = logging.getLogger("realtime.access")

# A frame a little over the application's own limit still reaches it, so that
# it can answer with an error instead of losing the connection.
SIZE_ALLOWANCE = 64 * 1024

# A peer that acknowledges nothing for this long is gone, or will never read
# again: the kernel drops it. Keepalive does not look while data is unsent.
USER_TIMEOUT_MS = 20_000

# What the kernel takes for a peer beyond what is on its way. By itself it takes megabytes,
# and nobody could tell a reader that has stopped from a slow one.
UNSENT_IN_KERNEL = 128 * 1024

# Where more than this is unsent, `send` waits until it is less than that.
HIGH_WATER = 64 * 1024
LOW_WATER = 16 * 1024

# A peer that has this much unsent and still asks for pongs does not read them.
MAX_OWED = 256 * 1024

BACKLOG = 2048  # a mass reconnect arrives within a second; the kernel caps it at somaxconn

# Close codes that a server itself has reason to send or to report (RFC 6455, 7.4.1).
NORMAL = 1000
GOING_AWAY = 1001
NO_STATUS = 1005
LOST = 1006
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011

# What may stand in a close frame below 3000: registered, and no description of an end.
SENDABLE = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})

# The whole answer to a connection for which there are too few file descriptors.
CROWDED = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 39\r\n"
    b"Retry-After: 10\r\nConnection: close\r\n\r\nToo many connections; try again later.\n"
)

# A control frame carries at most 125 bytes, two of them the code (RFC 6455, 5.5).
REASON_LIMIT = 123


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """How large and how long anything may get. Sizes in bytes, times in seconds.

    The drain takes ``drain_delay`` and then at most ``drain_timeout`` and twice
    ``cancel_timeout``: 4.3 s by default, so that the process is gone within five. With a
    successor ``arrival_timeout`` takes the place of the delay.
    """

    max_message_size: int = 1_000_000
    max_fragments: int = 4096  # of one message
    ping_interval: float = 54.0  # without data from the client, until a ping frame
    ping_timeout: float = 60.0  # from the ping until the transport is dropped
    handshake_timeout: float = 10.0  # for a request's head, and for the application's accept
    idle_timeout: float = 60.0  # for a kept HTTP connection without a request
    close_timeout: float = 1.0  # for the peer's answer to a close frame
    arrival_timeout: float = 3.0  # of a drain with a successor, for handshakes under way
    application_timeout: float = 10.0  # for the application to end after a disconnect
    drain_delay: float = 0.0
    goodbye_timeout: float = 3.7  # of the drain, for the application's part
    drain_timeout: float = 3.9  # for that, closing handshakes and answers under way
    cancel_timeout: float = 0.2  # for what has to be cancelled

    @property
    def tick(self) -> float:
        """How often deadlines are looked at: 1 s, or a quarter of the shortest of them."""
        shortest = min(self.ping_interval, self.ping_timeout, self.handshake_timeout)
        return min(1.0, shortest / 4)


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """What the server calls and when; everything runs on its event loop.

    ``start`` is awaited before the first connection is accepted, ``listening``
    gets the address, ``begin_drain`` is called when the end is asked for while
    requests are still served, ``drain`` says goodbye to every client. ``refused`` is told of
    each connection that the server turns away by itself: the reason ("capacity" or "draining"),
    and words for the log.
    """

    start: Callable[[], Awaitable[object]] = _nothing
    listening: Callable[[str, int], object] = lambda _host, _port: None
    begin_drain: Callable[[], object] = lambda: None
    drain: Callable[[], Awaitable[object]] = _nothing
    refused: Callable[[str, str], object] = lambda _reason, _words: None


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening, non-blocking TCP socket. Raises OSError, also for an unknown host.

    ``shared``: others that are shared too may listen on the same port.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        _prepare(listener)
        if shared:
            share(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _prepare(listener: socket.socket) -> None:
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit both. Without the first a client that stops reading but
    # goes on sending holds its buffers for as long as it likes.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_IN_KERNEL)


def listen_shared(host: str, port: int, *, count: int) -> list[socket.socket]:
    """So many listening sockets on one port, among which the kernel spreads connections.

    Raises OSError if anybody else has the port, even one who would share it.
    """
    listeners = [listen(host, port)]
    host, port = address_of(listeners[0])
    while len(listeners) < count:
        share(listeners[0])  # only now: it had to be alone
        listeners.append(listen(host, port, shared=True))
    return listeners


def share(listener: socket.socket) -> None:
    """Let others listen on its port, each with a queue of its own."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def address_of(listener: socket.socket) -> tuple[str, int]:
    """Host and real port of a listening socket; port 0 is resolved here."""
    host, port = listener.getsockname()[:2]
    return host, port


def url_host(host: str) -> str:
    """The host as it stands in a URL: an IPv6 address is put in brackets."""
    return f"[{host}]" if ":" in host else host


def check_close_code(code: int) -> int:
    """The code itself. Raises ValueError for one that cannot stand in a close frame."""
    if code not in SENDABLE and not 3000 <= code <= 4999:
        raise ValueError(f"{code} cannot be sent in a close frame")
    return code


def close_reason(reason: str) -> bytes:
    """The reason as valid UTF-8 of at most 123 bytes, cut between characters."""
    data = reason.encode("utf-8", "replace")[:REASON_LIMIT]
    return data.decode("utf-8", "ignore").encode("utf-8")


def peer_name(address: tuple[str, int] | None) -> str | None:
    """Host and port of a client for the log; None for a Unix socket."""
    return "{}:{}".format(*address) if address else None


def log_access(protocol: str, action: str, details: Mapping[str, Any]) -> None:
    """One INFO line per request and per change of a WebSocket, without the query string.

    A query string may carry a secret. Escaped, so that no path can forge a line.
    """
    if not access.isEnabledFor(logging.INFO):
        return
    path = details["path"].partition("?")[0].encode("unicode_escape").decode()
    client = details["client"] or "-"
    if protocol != "http":
        access.info("%s WebSocket %s %s", client, path, action)
        return
    answer = (details["status"], details["size"], details["time_taken"])
    access.info("%s %s %s %s %s bytes %.3f s", client, details["method"], path, *answer)


def exit_within(seconds: float, *, code: int = 0) -> None:
    """End the process with this status after this time, should it not have ended by itself.

    For the end of a program: the interpreter waits for its threads, and a view
    that is busy in one cannot be stopped.
    """
    timer = threading.Timer(seconds, _exit, args=[code])
    timer.daemon = True
    timer.start()


def _exit(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
