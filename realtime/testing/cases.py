"""Ends the worker after each test of a ``TestCase``."""

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from .workers import stop_worker


class WorkerMixin:
    """For a ``TransactionTestCase``, in front of it: stops the worker of each async test at its
    end, also of one that fails. A worker belongs to the event loop of its test."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._stop_worker_at_the_end()
        return super().__call__(*args, **kwargs)  # type: ignore[misc]  # that of the test case

    def debug(self) -> None:
        """Run the test without collecting its result."""
        self._stop_worker_at_the_end()
        super().debug()  # type: ignore[misc]  # that of the test case

    def _stop_worker_at_the_end(self) -> None:
        # Not before it runs: `test --parallel` pickles test cases, but no function of an instance.
        name: str = self._testMethodName  # type: ignore[attr-defined]  # that of the test case
        test = getattr(self, name)
        if iscoroutinefunction(test):
            setattr(self, name, _stopping_worker(test))


def _stopping_worker(test: Callable[[], Awaitable[None]]) -> Any:
    @wraps(test)
    async def run() -> None:
        try:
            await test()
        finally:
            await stop_worker()

    return run
