"""Each method is declared once: every store implements it, and every driver runs it."""

import asyncio
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, get_type_hints

import pytest

from realtime.store.contract import BlockingStore, Store, StoreContract
from realtime.store.database.blocking import BlockingDatabaseLog, BlockingDatabaseStore
from realtime.store.database.log import LogOperations as DatabaseLogOperations
from realtime.store.database.operations import DatabaseOperations
from realtime.store.database.store import DatabaseLog, DatabaseStore
from realtime.store.log import BlockingLog, Log, LogContract, PublishRequest
from realtime.store.operation import Operation
from realtime.store.redis.blocking import BlockingRedisLog, BlockingRedisStore
from realtime.store.redis.log import LogOperations as RedisLogOperations
from realtime.store.redis.operations import RedisOperations
from realtime.store.redis.store import RedisLog, RedisStore

from .builders import operations_of

IMPLEMENTATIONS: list[tuple[type, type]] = [
    (StoreContract, DatabaseOperations),
    (StoreContract, RedisOperations),
    (LogContract, DatabaseLogOperations),
    (LogContract, RedisLogOperations),
]


IMPLEMENTED = [
    pytest.param(operation, implementation, id=f"{implementation.__module__}.{operation.name}")
    for contract, implementation in IMPLEMENTATIONS
    for operation in operations_of(contract)
]


def parameters(method: Callable[..., Any]) -> list[tuple[Any, ...]]:
    hints = get_type_hints(method)
    given = list(inspect.signature(method).parameters.values())[1:]
    return [(each.name, each.kind, each.default, hints[each.name]) for each in given]


@pytest.mark.parametrize(("operation", "implementation"), IMPLEMENTED)
def test_a_store_implements_the_declared_signature(
    operation: Operation[..., Any], implementation: type
) -> None:
    method = getattr(implementation, operation.name)
    assert parameters(method) == parameters(operation.declaration)
    returned, expected = (
        get_type_hints(each)["return"] for each in (method, operation.declaration)
    )
    if implementation in (RedisOperations, RedisLogOperations):
        *_, returned = returned.__args__  # what the steps return
    assert returned == expected


def test_a_declaration_keeps_its_docstring() -> None:
    assert str(Store.open.__doc__).startswith("Register a new session as connected.")


# ---------------------------------------------------------------- drivers


class Recorder:
    """Operations whose every method returns what it was called with."""

    def __init__(self, name: str) -> None:
        setattr(self, name, self._called)

    def _called(self, *args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    def steps_of(self, operation: Operation[..., Any], *args: Any, **kwargs: Any) -> Any:
        return getattr(self, operation.name)(*args, **kwargs)

    def needs_own_transaction(self, name: str, arguments: dict[str, Any]) -> bool:
        return False


def run(result: Any) -> Any:
    return result


async def run_on_loop(result: Any, *, alone: bool = False) -> Any:
    return result() if callable(result) else result


def arguments_of(operation: Operation[..., Any]) -> tuple[list[str], dict[str, str]]:
    """A distinct text for each parameter, those with names only by name."""
    given = list(inspect.signature(operation.declaration).parameters.values())[1:]
    return (
        [each.name for each in given if each.kind is not each.KEYWORD_ONLY],
        {each.name: each.name for each in given if each.kind is each.KEYWORD_ONLY},
    )


def driver_of(kind: type[Any], name: str) -> Any:
    """A driver over recorded operations, without a store behind it."""
    driver = object.__new__(kind)
    driver.operations = driver._operations = Recorder(name)
    driver._run = run if issubclass(kind, BlockingStore | BlockingLog) else run_on_loop
    driver._store = SimpleNamespace(read=run_on_loop, write=run_on_loop)
    if kind is DatabaseStore:
        driver.read = driver.write = run_on_loop
    return driver


DRIVERS: dict[type[Any], list[type[Any]]] = {
    StoreContract: [BlockingDatabaseStore, DatabaseStore, BlockingRedisStore, RedisStore],
    LogContract: [BlockingDatabaseLog, DatabaseLog, BlockingRedisLog, RedisLog],
}


DRIVEN = [
    pytest.param(driver, operation, id=f"{driver.__name__}.{operation.name}")
    for contract, drivers in DRIVERS.items()
    for driver in drivers
    for operation in operations_of(contract)
    if operation.name not in vars(driver)  # those have tests of their own
]


@pytest.mark.parametrize(("kind", "operation"), DRIVEN)
def test_a_driver_passes_all_arguments_and_returns_the_result(
    kind: type[Any], operation: Operation[..., Any]
) -> None:
    args, kwargs = arguments_of(operation)
    result = getattr(driver_of(kind, operation.name), operation.name)(*args, **kwargs)
    if issubclass(kind, Store | Log):
        result = asyncio.run(result)
    assert result == (tuple(args), kwargs)


def test_the_log_of_a_database_on_a_loop_has_three_methods_of_its_own() -> None:
    special = [each.name for each in operations_of(LogContract) if each.name in vars(DatabaseLog)]
    assert special == ["append", "read", "ends"]


async def test_a_database_on_a_loop_runs_reads_as_reads() -> None:
    ran: list[tuple[str, str]] = []
    for operation in operations_of(StoreContract):
        driver = driver_of(DatabaseStore, operation.name)

        async def read(call: Any, name: str = operation.name) -> None:
            ran.append((name, "read"))

        async def write(call: Any, *, alone: bool = False, name: str = operation.name) -> None:
            ran.append((name, "write"))

        driver.read, driver.write = read, write
        args, kwargs = arguments_of(operation)
        await getattr(driver, operation.name)(*args, **kwargs)
    reads = [name for name, way in ran if way == "read"]
    assert reads == [
        "get", "page", "of_user", "attendance", "presence", "stats", "workers", "samples",
        "overdue",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "is_shared", "alone"),
    [
        ("open", {"limit": object()}, True, True),
        ("open", {"limit": object()}, False, False),
        ("open", {"limit": None}, True, False),
        ("open", {}, True, False),
        ("own", {"adopt": True}, False, True),
        ("beat", {}, True, False),
    ],
)
def test_owning_and_opening_with_a_limit_need_their_own_transaction(
    name: str, arguments: dict[str, Any], is_shared: bool, alone: bool
) -> None:
    operations = DatabaseOperations.__new__(DatabaseOperations)
    operations._database = SimpleNamespace(is_shared=is_shared)  # type: ignore[assignment]
    assert operations.needs_own_transaction(name, arguments) is alone


async def test_a_log_on_a_database_checks_requests_before_it_groups_them() -> None:
    log = driver_of(DatabaseLog, "append")
    with pytest.raises(ValueError, match="expected JSON"):
        await log.append([PublishRequest("r", "")])
    assert await log.append([]) == ()
