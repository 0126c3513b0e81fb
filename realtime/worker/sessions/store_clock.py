"""Detects steps of the store's clock by comparing it with the worker's monotonic one."""

import logging
import time

logger = logging.getLogger("realtime.worker")


class StoreClock:
    """Detects, and logs, steps of more than ``tolerance`` seconds."""

    def __init__(self, *, tolerance: float) -> None:
        self._tolerance = tolerance
        self._ahead: float | None = None  # of the monotonic clock, in seconds, at the last call

    def was_set(self, at: int) -> bool:
        """Whether it was set since the last call; ``at`` is its time now, in epoch milliseconds."""
        before, self._ahead = self._ahead, at / 1000 - time.monotonic()
        if before is None or abs(self._ahead - before) <= self._tolerance:
            return False
        step = self._ahead - before
        logger.warning(
            "the store's clock has gone %s by %.0f s: it was set, or this machine has slept",
            "forward" if step > 0 else "back",
            abs(step),
        )
        return True
