"""File descriptors: a server refuses connections while some are left for everything else."""

import logging
import resource
import socket
import time
from collections.abc import Callable

logger = logging.getLogger("realtime.servers.serving")

# Kept for the store, for files, and for connections that get a 503.
RESERVE = 32
LOG_INTERVAL = 10.0  # seconds between two error lines

# The whole answer to a connection that gets one of the reserved descriptors.
UNAVAILABLE_RESPONSE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 39\r\n"
    b"Retry-After: 10\r\nConnection: close\r\n\r\nToo many connections; try again later.\n"
)


class DescriptorReserve:
    """Decides which accepted connections get UNAVAILABLE_RESPONSE. ``refused(reason, words)`` is
    called for each of them."""

    def __init__(self, refused: Callable[[str, str], object]) -> None:
        self._refused = refused
        self._logged_at = -LOG_INTERVAL

    def reached_by(self, accepted: socket.socket) -> bool:
        """Whether this socket has one of the last descriptors: its connection has to be refused."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        # The kernel gives out the lowest free descriptor, so its number counts those in use.
        if accepted.fileno() < limit - RESERVE:
            return False
        self._refused("capacity", f"{limit} file descriptors are too few")
        now = time.monotonic()
        if now - self._logged_at >= LOG_INTERVAL:
            self._logged_at = now
            logger.error("connections are turned away: %d file descriptors are too few", limit)
        return True
