"""Logs failures in a row of repeated work: one line when they begin, one when they end."""

import logging
from collections.abc import Callable

from realtime.store.contract import StoreUnavailable

logger = logging.getLogger("realtime.worker")


class FailureStreak:
    """Logs a streak of failures of ``what`` once.

    An outage of the store is logged from its second failure in a row on, and only while
    ``reported()`` is False: it says whether the beats have logged the outage already. Any other
    exception is a defect, logged at once with its traceback.
    """

    def __init__(self, what: str, *, reported: Callable[[], bool] = lambda: False) -> None:
        self._what = what
        self._reported = reported
        self._failures = 0
        self._logged = False

    def on_failure(self, error: Exception) -> None:
        """Note a failure; call it while ``error`` is being handled."""
        self._failures += 1
        if self._logged:
            logger.debug("%s: %s", self._what, error)
        elif not isinstance(error, StoreUnavailable):
            self._logged = True
            logger.exception("%s failed", self._what)
        elif self._failures > 1 and not self._reported():
            self._logged = True
            logger.warning("%s fails again and again: %s", self._what, error)
        else:
            logger.debug("%s: %s", self._what, error)

    def on_success(self) -> None:
        """Note a success, which ends the streak."""
        if self._logged:
            logger.warning("%s works again, after %d failures", self._what, self._failures)
        self._failures, self._logged = 0, False
