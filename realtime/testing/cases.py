"""Ends the worker after each test of a ``TestCase``."""

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from .workers import stop_worker


class WorkerMixin:
    """For a ``TransactionTestCase``, in front of it: stops the worker of each async test at its
    end, also of one that fails. A worker belongs to the event loop of its test."""

    def __init__(self, methodName: str = "runTest") -> None:  # noqa: N803  # unittest's name
        super().__init__(methodName)  # type: ignore[call-arg]  # that of the test case
        test = getattr(self, methodName, None)
        if iscoroutinefunction(test):
            setattr(self, methodName, _stopping_worker(test))


def _stopping_worker(test: Callable[[], Awaitable[None]]) -> Any:
    @wraps(test)
    async def run() -> None:
        try:
            await test()
        finally:
            await stop_worker()

    return run
