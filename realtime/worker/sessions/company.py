"""Whether workers that share a registry can hear each other."""

import logging
import time

logger = logging.getLogger("realtime.hints")


class ClusterCheck:
    """Warns, once, of other workers when what this one tells cannot leave its process.

    Not before they have been there for a whole lease: that of a predecessor that was
    killed is still good for so long.
    """

    def __init__(self, *, lease: float, heard_outside: bool) -> None:
        self._lease = lease
        self._quiet = heard_outside
        self._alone_at = time.monotonic()

    def count(self, workers: int) -> None:
        """There are so many workers now, this one included."""
        now = time.monotonic()
        if workers < 2:
            self._alone_at = now
        elif not self._quiet and now - self._alone_at > self._lease:
            self._quiet = True
            logger.warning(
                "%d workers share this registry, but the channel layer of this one cannot "
                "leave its process: closes and take-overs wait for a flush",
                workers,
            )
