"""Outages and missing tables are StoreUnavailable; errors of the call itself pass unchanged."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
)

from realtime.store.contract import StoreUnavailable, TablesMissing
from realtime.store.database.transaction import translate_database_errors as database_errors
from realtime.store.redis.client import translate_redis_errors as redis_errors
from tests.redis_server import RedisServer

from .builders import opening
from .store_fixtures import RedisFixture


@pytest.fixture
def redis_kind(redis_server: RedisServer) -> Iterator[RedisFixture]:
    backend = RedisFixture(redis_server)
    yield backend
    backend.close()


# ---------------------------------------------------------------- databases


def ask(sql: str, *values: int) -> None:
    with database_errors(), connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.mark.django_db
def test_wrong_sql_is_no_outage() -> None:
    with pytest.raises(DatabaseError):
        ask("SELEKT 1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM nowhere",
        "SELECT absent FROM django_session",
        "INSERT INTO django_session (absent) VALUES (1)",
    ],
)
def test_a_missing_table_or_column_says_how_to_make_it(sql: str) -> None:
    with pytest.raises(TablesMissing, match=r"run `python manage\.py migrate`$"):
        ask(sql)


def test_another_database_is_named() -> None:
    error = ProgrammingError('relation "x" does not exist\nLINE 1: SELECT')
    cause = Exception()
    cause.sqlstate = "42P01"  # type: ignore[attr-defined]
    with pytest.raises(TablesMissing) as raised, database_errors("other"):
        raise error from cause
    assert str(raised.value) == (
        "the database 'other' lacks a table or a column (relation \"x\" does not exist): "
        "run `python manage.py migrate --database=other`"
    )


@pytest.mark.django_db
def test_a_value_too_few_or_a_row_too_many_is_no_outage() -> None:
    with pytest.raises(IntegrityError):
        ask("INSERT INTO django_session (session_key, session_data) VALUES ('a', NULL)")
    with pytest.raises(ProgrammingError):
        ask("SELECT %s, %s", 1)


@pytest.mark.parametrize(
    ("error", "state", "raised"),
    [
        (ProgrammingError, "42P01", TablesMissing),
        (ProgrammingError, "42703", TablesMissing),  # no such column
        (ProgrammingError, "42501", StoreUnavailable),  # no right to it
        (DataError, "22001", DataError),  # a text that is too long
        (NotSupportedError, "0A000", NotSupportedError),
        (IntegrityError, "23505", IntegrityError),
        (InternalError, "25006", StoreUnavailable),  # a copy that cannot be written to
        (OperationalError, "57P01", StoreUnavailable),  # an administrator ends it
        (OperationalError, "53100", StoreUnavailable),  # its disk is full
        (InterfaceError, "", StoreUnavailable),
    ],
)
def test_postgresql_tells_outages_by_sqlstate(
    error: type[Exception], state: str, raised: type[Exception]
) -> None:
    cause = Exception()
    cause.sqlstate = state  # type: ignore[attr-defined]
    with pytest.raises(raised) as found, database_errors():
        raise error("said") from cause
    assert found.type is raised


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OperationalError(2006, "Server has gone away"), StoreUnavailable),
        (OperationalError(1054, "Unknown column 'x'"), TablesMissing),
        (ProgrammingError(1146, "Table 'x' doesn't exist"), TablesMissing),
        (ProgrammingError(1064, "You have an error in your SQL syntax"), ProgrammingError),
    ],
)
def test_mysql_tells_outages_by_number(error: Exception, raised: type[Exception]) -> None:
    with pytest.raises(raised) as found, database_errors():
        raise error
    assert found.type is raised


@pytest.mark.django_db
def test_a_damaged_file_is_an_outage(tmp_path: Any) -> None:
    damaged = connections.create_connection("default")
    damaged.settings_dict = {**damaged.settings_dict, "NAME": str(tmp_path / "x")}
    (tmp_path / "x").write_bytes(b"no database" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"), database_errors():
        damaged.cursor().execute("SELECT 1 FROM sqlite_master")
    damaged.close()


# ---------------------------------------------------------------- Redis


def test_a_key_of_another_type_is_no_outage(redis_kind: RedisFixture) -> None:
    redis_kind.store.open(opening())
    for key in redis_kind.client.scan_iter("{tests}:session:*"):
        redis_kind.client.delete(key)
        redis_kind.client.set(key, "x")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        redis_kind.store.get("s1")


@pytest.mark.parametrize(
    "script", ["return nothing.at_all", "return redis.call('nothing')", "return redis.call('get')"]
)
def test_a_script_that_fails_is_no_outage(redis_kind: RedisFixture, script: str) -> None:
    with pytest.raises(redis.ResponseError), redis_errors():
        redis_kind.client.eval(script, 0)


def test_a_full_redis_is_an_outage(redis_kind: RedisFixture) -> None:
    redis_kind.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable, match="OOM"):
            redis_kind.store.open(opening())
    finally:
        redis_kind.client.config_set("maxmemory", 0)


ERRORS: dict[str, Callable[[], Exception]] = {
    "refused": lambda: redis.ConnectionError("refused"),
    "silent": lambda: redis.TimeoutError("silent"),
    "loading": lambda: redis.exceptions.BusyLoadingError("Redis is loading the dataset"),
    "busy": lambda: redis.ResponseError("BUSY Redis is busy running a script."),
    "misconfigured": lambda: redis.ResponseError("MISCONF Redis is configured to save RDB"),
    "without replicas": lambda: redis.ResponseError("NOREPLICAS Not enough good replicas"),
    "without its master": lambda: redis.exceptions.MasterDownError("Link with MASTER is down"),
    "a copy": lambda: redis.exceptions.ReadOnlyError("You can't write against a read only replica"),
    "a copy, Redis 6": lambda: redis.ResponseError(
        "Error running script (call to f_1): @user_script:9: -READONLY You can't write against a "
        "read only replica."
    ),
    "full": lambda: redis.exceptions.OutOfMemoryError("command not allowed"),
    "without a right": lambda: redis.exceptions.NoPermissionError("no permissions"),
    "no answer of Redis's": lambda: redis.exceptions.InvalidResponse("HTTP/1.1"),
    "the way": lambda: OSError("no route"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_errors_about_redis_itself_are_outages(error: Callable[[], Exception]) -> None:
    with pytest.raises(StoreUnavailable), redis_errors():
        raise error()


@pytest.mark.parametrize(
    "error",
    [
        redis.DataError("Invalid input of type: 'dict'"),
        redis.ResponseError("unknown command 'EVALSHA'"),
        redis.ResponseError("Error compiling script (new function): user_script:1: '=' expected"),
        redis.ResponseError("user_script:9: BUSY bees, a defect's own words"),
        redis.exceptions.ClusterCrossSlotError("Keys in request don't hash to the same slot"),
    ],
)
def test_errors_about_the_call_are_no_outages(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, redis_errors():
        raise error
    assert caught.value is error
