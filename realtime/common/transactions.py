"""The transactions that this thread has open, in all databases."""

from collections.abc import Callable, Collection, Sequence

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError


def open_transactions(*, also_of_tests: Collection[str] = ()) -> list[str]:
    """The databases in which this thread is inside ``transaction.atomic()``.

    A block that Django's ``TestCase`` has opened around a test counts only in the databases of
    ``also_of_tests``: it never commits.

    Raises TransactionManagementError if autocommit is off outside of such a block: Django has no
    hook for the end of that transaction.
    """
    connected = connections.all(initialized_only=True)
    return [each.alias for each in connected if _is_open(each, also_of_tests)]


def on_all_committed(call: Callable[[], object], databases: Sequence[str]) -> None:
    """Call ``call()`` once the open transactions of all these databases have committed; never if
    one of them is rolled back, and at once if ``databases`` is empty.

    Django logs an exception of ``call`` with its ``__qualname__``, so it has to be a function.
    """
    if len(databases) < 2:
        for alias in databases:
            transaction.on_commit(call, using=alias, robust=True)
        if not databases:
            call()
        return
    waiting = set(databases)

    def committed() -> None:
        waiting.pop()
        if not waiting:
            call()

    for alias in databases:
        transaction.on_commit(committed, using=alias, robust=True)


def is_manual(connection: BaseDatabaseWrapper) -> bool:
    """Whether the application commits its transactions by hand."""
    is_connected = connection.connection is not None
    return is_connected and not connection.in_atomic_block and not connection.autocommit


def _is_open(connection: BaseDatabaseWrapper, also_of_tests: Collection[str]) -> bool:
    if is_manual(connection):
        raise TransactionManagementError(
            "expected no manual transaction management: autocommit is off in the database "
            f"{connection.alias!r}, so its commit cannot be noticed; publish "
            "with autocommit on, after the commit, or inside transaction.atomic()"
        )
    if connection.alias in also_of_tests:
        return connection.in_atomic_block
    return any(not getattr(each, "_from_testcase", False) for each in connection.atomic_blocks)
