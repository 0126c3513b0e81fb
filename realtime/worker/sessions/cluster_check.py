"""Warns when workers share a store but have no common channel layer."""

import logging
import time

logger = logging.getLogger("realtime.hints")


class ClusterCheck:
    """Warns once if there are other workers and this one's channel layer stays in its process.

    It waits until they have been there for more than ``lease`` seconds: the lease of a
    predecessor that was killed lasts that long.
    """

    def __init__(self, *, lease: float, leaves_process: bool) -> None:
        self._lease = lease
        self._done = leaves_process
        self._alone_at = time.monotonic()

    def update(self, workers: int) -> None:
        """Note how many workers the store has now, this one included."""
        now = time.monotonic()
        if workers < 2:
            self._alone_at = now
        elif not self._done and now - self._alone_at > self._lease:
            self._done = True
            logger.warning(
                "%d workers share this registry, but the channel layer of this one cannot "
                "leave its process: closes and take-overs wait for a flush",
                workers,
            )
