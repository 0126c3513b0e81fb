"""Failures in a row of what is tried again and again: one line when they begin, one at the end."""

import logging
from collections.abc import Callable

from realtime.store.contract import StoreUnavailable

logger = logging.getLogger("realtime.worker")


def never() -> bool:
    """Failures of the store are known from nowhere else."""
    return False


class FailureStreak:
    """Folds the failures of ``what``.

    A store that cannot be reached is a warning from the second failure in a row on, and only
    while ``known`` is false: when the store is away the beats say so for everything that needs
    it, and before the second failure they have. Any other exception is a defect, logged at once
    with its traceback.
    """

    def __init__(self, what: str, *, known: Callable[[], bool] = never) -> None:
        self._what = what
        self._known = known
        self._failures = 0
        self._told = False

    def failed(self, error: Exception) -> None:
        """It has failed; called while ``error`` is handled."""
        self._failures += 1
        if self._told:
            logger.debug("%s: %s", self._what, error)
        elif not isinstance(error, StoreUnavailable):
            self._told = True
            logger.exception("%s failed", self._what)
        elif self._failures > 1 and not self._known():
            self._told = True
            logger.warning("%s fails again and again: %s", self._what, error)
        else:
            logger.debug("%s: %s", self._what, error)

    def worked(self) -> None:
        """It has worked."""
        if self._told:
            logger.warning("%s works again, after %d failures", self._what, self._failures)
        self._failures, self._told = 0, False
