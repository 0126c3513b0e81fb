"""The transactions that this thread has open, in whichever databases."""

from collections.abc import Callable, Collection, Sequence

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError


def open_transactions(*, also_of_tests: Collection[str] = ()) -> list[str]:
    """The databases in which this thread is inside ``transaction.atomic()``.

    A block that Django's ``TestCase`` has opened around a test counts only in the databases of
    ``also_of_tests``: it never commits. A database without a connection has nothing open.

    Raises TransactionManagementError where one has autocommit off outside of such a block, as
    Django's ``on_commit`` does: no hook tells of that transaction's end.
    """
    connected = connections.all(initialized_only=True)
    return [each.alias for each in connected if _is_open(each, also_of_tests)]


def once_committed(call: Callable[[], object], databases: Sequence[str]) -> None:
    """Call once the transactions have committed that are open in all of these databases, never
    if one of them is rolled back, and at once if there are none.

    What it raises after a commit is logged by Django, by the name of ``call``: take a function.
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
    """Whether its transaction, if it has one open, is for the application to commit by hand."""
    is_connected = connection.connection is not None
    return is_connected and not connection.in_atomic_block and not connection.autocommit


def _is_open(connection: BaseDatabaseWrapper, also_of_tests: Collection[str]) -> bool:
    if is_manual(connection):
        raise TransactionManagementError(
            "expected no manual transaction management: autocommit is off in the database "
            f"{connection.alias!r}, so nothing tells when its transaction commits; publish "
            "with autocommit on, after the commit, or inside transaction.atomic()"
        )
    if connection.alias in also_of_tests:
        return connection.in_atomic_block
    return any(not getattr(each, "_from_testcase", False) for each in connection.atomic_blocks)
