"""The store's clock, as a worker sees it beside its own monotonic one."""

import logging
import time

logger = logging.getLogger("realtime.worker")


class StoreClock:
    """Notices when it was set by more than ``overlooked`` seconds, and says so."""

    def __init__(self, *, overlooked: float) -> None:
        self._overlooked = overlooked
        self._ahead: float | None = None  # of the monotonic clock, when it was seen last

    def was_set(self, at: int) -> bool:
        """Whether that has happened since the call before; ``at`` is the store's time right now,
        in epoch milliseconds."""
        before, self._ahead = self._ahead, at / 1000 - time.monotonic()
        if before is None or abs(self._ahead - before) <= self._overlooked:
            return False
        step = self._ahead - before
        logger.warning(
            "the store's clock has gone %s by %.0f s: it was set, or this machine has slept",
            "forward" if step > 0 else "back",
            abs(step),
        )
        return True
