"""Bounds on size and time: those a caller may set, and the fixed ones both servers share."""

from dataclasses import dataclass

# A frame a little over the application's own limit still reaches it, so that
# it can answer with an error instead of losing the connection.
SIZE_ALLOWANCE = 64 * 1024

# Above HIGH_WATER unsent bytes an ASGI `send` waits until fewer than LOW_WATER are left.
HIGH_WATER = 64 * 1024
LOW_WATER = 16 * 1024

# A peer that sends a ping while more than this is unsent does not read its pongs: abort it.
MAX_UNSENT_AT_PING = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """Sizes in bytes, times in seconds.

    The drain takes ``drain_delay`` and then at most ``drain_timeout`` and twice
    ``cancel_timeout``: 4.3 s by default, so that the process ends within five. With a
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
    cancel_timeout: float = 0.2  # for tasks that have to be cancelled

    @property
    def tick(self) -> float:
        """Seconds between two checks of deadlines: 1, or a quarter of the shortest deadline."""
        shortest = min(self.ping_interval, self.ping_timeout, self.handshake_timeout)
        return min(1.0, shortest / 4)
