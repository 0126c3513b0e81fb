"""Publishing from sync code: valid data, and transactions."""

import datetime
import decimal
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.transaction import TransactionManagementError
from django.test import TestCase, override_settings

from realtime import api, composition
from realtime.bus.publication_batches import PublicationBatch
from realtime.protocol.position import Position
from realtime.publish import notifying
from realtime.publish.publishing import encode_data
from realtime.store.database.transaction import translate_database_errors
from realtime.store.log import MAX_BATCH, BlockingLog, LogEntry
from tests.redis_server import RedisServer

# Data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, "null"), ({"a": [1, 2.5, True]}, '{"a":[1,2.5,true]}'), ("ä🎉\u2028", '"ä🎉\u2028"'),
        (2**53, "9007199254740992"), (-(2**53), "-9007199254740992"), (1e300, "1e+300"),
        (decimal.Decimal("1.50"), '"1.50"'), (datetime.date(2026, 11, 21), '"2026-11-21"'),
        (uuid.UUID(int=0), '"00000000-0000-0000-0000-000000000000"'), ("9" * 40, f'"{"9" * 40}"'),
        ({1: 2}, '{"1":2}'), ("\0", '"\\u0000"'), ((1, 2), "[1,2]"),
    ],
)  # fmt: skip
def test_data_is_encoded_compactly_as_django_does(data: Any, text: str) -> None:
    assert encode_data(data) == text


def nested(levels: int, innermost: Any = 1) -> Any:
    for number in range(levels):
        innermost = {"a": innermost} if number % 2 else [innermost]
    return innermost


def circular() -> Any:
    data: list[Any] = []
    data.append(data)
    return data


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (object(), TypeError, "can express"), ({(1, 2): 3}, TypeError, "can express"),
        (b"x", TypeError, "can express"), ({1, 2}, TypeError, "can express"),
        (float("nan"), ValueError, "can express"), ([float("inf")], ValueError, "can express"),
        (circular(), ValueError, "can express"), ("\ud800", ValueError, "lone surrogates"),
        ({"\udfff": 1}, ValueError, "lone surrogates"), (2**53 + 1, ValueError, "as text"),
        ([{"a": -(10**100)}], ValueError, "as text"), (nested(33), ValueError, "32 levels"),
        (nested(32, []), ValueError, "32 levels"), (nested(32, 10**16), ValueError, "as text"),
        (nested(500), ValueError, "32 levels"), (nested(100_000), ValueError, "32 levels"),
        ("x" * 65_535, ValueError, "MAX_PUBLICATION"), ("ä" * 32_768, ValueError, "65536 bytes"),
    ],
)  # fmt: skip
def test_data_that_a_browser_would_misread_is_refused(
    data: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        encode_data(data)


def test_data_just_within_the_bounds_is_accepted() -> None:
    assert len(encode_data("ä" * 32_767).encode()) == 65_536
    assert encode_data(nested(32)).count("[") == 16
    assert encode_data([[10**15] * 40] * 40)


@pytest.mark.parametrize("room", ["", "a b", "ä", "x" * 101, "a\n", None, 7, b"room"])
def test_invalid_names_of_rooms_are_refused(room: Any) -> None:
    with pytest.raises(ValueError, match="expected a room"):
        api.publish(room, 1)


@pytest.mark.parametrize("key", ["", "x" * 201, 7, b"key", "\0"])
def test_invalid_keys_are_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="1 to 200 characters"):
        api.publish("r", 1, key=key)


@pytest.mark.parametrize("user", [AnonymousUser(), User(), None, ""])
def test_users_without_a_private_room_are_refused(user: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        api.publish_to_user(user, 1)


# On every store


in_default = pytest.mark.django_db(transaction=True)


@pytest.fixture(
    params=[
        pytest.param("sqlite", marks=in_default),
        "postgresql",  # the mark would forbid it
        pytest.param("redis", marks=in_default),
    ]
)
def log(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[BlockingLog]:
    """The log of each store; in the second case not in the default database."""
    store = "database"
    if request.param == "postgresql":
        store = f"database:{request.getfixturevalue('postgres_database')}"
    elif request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        server.flush()
        store = server.url
    with override_settings(REALTIME={"STORE": store}):
        yield composition.blocking_store().log


@pytest.fixture
def alias(log: BlockingLog) -> str:
    """The database whose transactions count, beside the default one."""
    return composition.database().alias


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[list[PublicationBatch]]:
    """The batches of each call to ``announce``."""
    calls: list[list[PublicationBatch]] = []
    monkeypatch.setattr(notifying, "announce", lambda batches: calls.append(list(batches)))
    return calls


def entries(log: BlockingLog, room: str = "r") -> tuple[LogEntry, ...]:
    return log.read(room, after=0, limit=MAX_BATCH, max_bytes=10**7).entries


def data(log: BlockingLog, room: str = "r") -> list[str]:
    return [entry.data for entry in entries(log, room)]


def test_a_publication_is_in_the_log_and_announced(
    log: BlockingLog, announced: list[list[PublicationBatch]]
) -> None:
    first, second = api.publish("r", {"a": 1}), api.publish("r", "ä")
    assert first is not None
    assert second == Position(first.epoch, first.offset + 1)
    assert data(log) == ['{"a":1}', '"ä"']
    assert [batch.entries for batches in announced for batch in batches] == [
        (entry,) for entry in entries(log)
    ]


def test_a_user_is_given_by_object_or_by_key(log: BlockingLog) -> None:
    user = User(pk=7)
    for who in (user, user.pk, str(user.pk)):
        assert api.publish_to_user(who, 1)
    assert data(log, f"user:{user.pk}") == ["1"] * 3


def test_the_same_key_is_the_same_publication(
    log: BlockingLog, announced: list[list[PublicationBatch]]
) -> None:
    first = api.publish("r", 1, key="k")
    assert first == api.publish("r", 2, key="k")
    assert data(log) == ["1"]
    assert [batch.entries for batches in announced for batch in batches] == [entries(log), ()]


def test_many_publications_keep_their_order(
    log: BlockingLog, announced: list[list[PublicationBatch]]
) -> None:
    positions = api.publish_many((f"r{n % 2}", n) for n in range(MAX_BATCH + 10))
    assert positions is not None
    assert [each.offset for each in positions] == [n // 2 + 1 for n in range(MAX_BATCH + 10)]
    assert [len(batches) for batches in announced] == [MAX_BATCH, 10]
    assert api.publish_many([]) == []


def test_one_mistake_among_many_prevents_all(log: BlockingLog) -> None:
    with pytest.raises(TypeError):
        api.publish_many([("r", 1), ("r", object())])
    assert data(log) == []


# In a transaction


@pytest.fixture(params=["default", "store"])
def using(request: pytest.FixtureRequest, alias: str) -> str:
    return alias if request.param == "store" else "default"


def test_a_publication_in_a_transaction_waits_for_the_commit(log: BlockingLog, using: str) -> None:
    with transaction.atomic(using):
        assert api.publish("r", 1) is None
        assert api.publish_to_user(1, 2) is None
        assert api.publish_many([("r", 3), ("r", 4)]) is None
        assert data(log) == []
    assert data(log) == ["1", "3", "4"]
    assert data(log, "user:1") == ["2"]


def test_a_publication_that_is_rolled_back_is_dropped(log: BlockingLog, using: str) -> None:
    with pytest.raises(RuntimeError), transaction.atomic(using):
        api.publish("r", 1)
        raise RuntimeError
    assert api.publish("r", 2)
    assert data(log) == ["2"]


def test_a_publication_in_a_rolled_back_savepoint_is_dropped(
    log: BlockingLog, using: str, announced: list[list[PublicationBatch]]
) -> None:
    def within(number: int, *, fail: bool) -> None:
        with transaction.atomic(using):
            api.publish("r", number)
            if fail:
                raise RuntimeError

    with transaction.atomic(using):
        api.publish("r", 1)
        for number in range(2, 8):
            try:
                within(number, fail=number % 2 == 0)
            except RuntimeError:
                api.publish("r", -number)
        with transaction.atomic(using):
            within(8, fail=False)
            api.publish("r", 9)
    assert data(log) == ["1", "-2", "3", "-4", "5", "-6", "7", "8", "9"]


def test_mistakes_in_a_transaction_are_raised_at_once(log: BlockingLog) -> None:
    with transaction.atomic():
        with pytest.raises(ValueError, match="expected a room"):
            api.publish("a b", 1)
        with pytest.raises(ValueError, match="surrogates"):
            api.publish("r", "\ud800")
        changing = [1]
        api.publish("r", changing)
        changing.append(2)
    assert data(log) == ["[1]"]


def test_many_publications_of_a_transaction_are_batched(
    log: BlockingLog, announced: list[list[PublicationBatch]]
) -> None:
    with transaction.atomic():
        for number in range(MAX_BATCH + 10):
            api.publish("r", number)
    assert data(log) == [str(number) for number in range(MAX_BATCH)]
    assert [len(batches) for batches in announced] == [MAX_BATCH, 10]


def test_other_commit_hooks_keep_their_order(log: BlockingLog) -> None:
    seen: list[list[str]] = []
    with transaction.atomic():
        api.publish("r", 1)
        transaction.on_commit(lambda: seen.append(data(log)))
        api.publish("r", 2)
    assert seen == [["1"]]
    assert data(log) == ["1", "2"]


@pytest.fixture
def manual(using: str) -> Iterator[str]:
    """A database whose transactions the application commits by hand."""
    transaction.set_autocommit(False, using)
    yield using
    connections[using].rollback()
    transaction.set_autocommit(True, using)


def test_publishing_in_a_manual_transaction_is_refused(
    log: BlockingLog, manual: str, announced: list[list[PublicationBatch]]
) -> None:
    """There is no hook at its end, so a publication could be announced and rolled back."""
    User.objects.using(manual).create(username="ada")
    for call in (api.publish, api.publish_to_user):
        with pytest.raises(TransactionManagementError, match=f"autocommit is off .*{manual}"):
            call("1", 1)
    with pytest.raises(TransactionManagementError):
        api.publish_many([("r", 1)])
    assert announced == []
    transaction.rollback(manual)
    transaction.set_autocommit(True, manual)
    assert not User.objects.using(manual).filter(username="ada").exists()
    position = api.publish("r", 2)
    assert position is not None
    assert (position.offset, data(log)) == (1, ["2"])


def test_a_block_within_a_manual_transaction_waits_for_both(log: BlockingLog, manual: str) -> None:
    with transaction.atomic(manual):
        assert api.publish("r", 1) is None
    transaction.rollback(manual)
    with transaction.atomic(manual):
        api.publish("r", 2)
    transaction.commit(manual)
    transaction.set_autocommit(True, manual)
    assert data(log) == ["2"]


def test_a_failing_store_leaves_a_manual_transaction_alone(
    transactional_db: None, redis_server: RedisServer
) -> None:
    transaction.set_autocommit(False)
    try:
        User.objects.create(username="ada")
        with pytest.raises(api.StoreUnavailable), translate_database_errors():
            raise OperationalError("of another database")
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert User.objects.filter(username="ada").exists()


def test_a_kick_is_part_of_a_manual_transaction(log: BlockingLog, alias: str) -> None:
    """Also if it is the first use of a database."""
    transaction.set_autocommit(False, alias)
    try:
        User.objects.using(alias).create(username="ada")
        assert api.kick_user("7") == 0
    finally:
        transaction.rollback(alias)
        transaction.set_autocommit(True, alias)


OTHER = "other"


@pytest.fixture
def other(log: BlockingLog, tmp_path: Path) -> Iterator[str]:
    """A third database, of the application's own; Django's mark would forbid it."""
    connections.settings[OTHER] = {
        **connections.settings["default"], "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "other.sqlite3"), "OPTIONS": {},
    }  # fmt: skip
    connections[OTHER].ensure_connection()
    yield OTHER
    connections[OTHER].close()
    del connections[OTHER], connections.settings[OTHER]


@pytest.mark.parametrize("log", ["postgresql"], indirect=True)
def test_a_transaction_of_any_database_delays_a_publication(log: BlockingLog, other: str) -> None:
    with transaction.atomic(other):
        assert api.publish("r", 1) is None
    with transaction.atomic(other):
        api.publish("r", 2)
        transaction.set_rollback(True, using=other)
    transaction.set_autocommit(False, other)
    with pytest.raises(TransactionManagementError, match=other):
        api.publish("r", 3)
    transaction.set_autocommit(True, other)
    assert data(log) == ["1"]


@pytest.mark.parametrize("log", ["postgresql"], indirect=True)
def test_a_transaction_that_ends_after_the_commit_delays_a_publication(
    log: BlockingLog, other: str, using: str
) -> None:
    first, later = transaction.atomic(other), transaction.atomic(using)
    first.__enter__()
    assert api.publish("r", 1) is None
    later.__enter__()
    first.__exit__(None, None, None)
    assert data(log) == []
    later.__exit__(None, None, None)
    assert data(log) == ["1"]


def test_a_commit_hook_can_publish(log: BlockingLog, using: str) -> None:
    with transaction.atomic(using):
        transaction.on_commit(lambda: api.publish("r", 2), using=using)
        api.publish("r", 1)
    assert data(log) == ["2", "1"]


def test_a_transaction_that_is_to_be_rolled_back_publishes_nothing(
    log: BlockingLog, using: str
) -> None:
    with transaction.atomic(using):
        with suppress(IntegrityError), transaction.atomic(using, savepoint=False):
            raise IntegrityError
        assert api.publish("r", 1) is None
    assert data(log) == []


@pytest.mark.parametrize("log", ["postgresql"], indirect=True)
@pytest.mark.parametrize("outer_first", [False, True])
def test_a_publication_in_two_transactions_waits_for_both(
    log: BlockingLog, alias: str, *, outer_first: bool
) -> None:
    outer, inner = (alias, "default") if outer_first else ("default", alias)
    with transaction.atomic(outer):
        with transaction.atomic(inner):
            assert api.publish("r", 1) is None
        assert data(log) == []
        with transaction.atomic(inner):
            api.publish("r", 2)
            transaction.set_rollback(True, using=inner)
    assert data(log) == ["1"]


def test_a_commit_stands_even_if_the_store_fails_after_it(
    redis_server: RedisServer, transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    url = "redis://127.0.0.1:1/0"
    with override_settings(REALTIME={"STORE": url}):
        with transaction.atomic():
            User.objects.create_user("ada")
            api.publish("r", 1)
            api.publish("r", 2)
        assert User.objects.filter(username="ada").exists()
        errors = [each for each in caplog.records if each.levelno == logging.ERROR]
        assert [each.name for each in errors] == ["django.db.backends.base"]
        assert "the same key is safe" in errors[0].getMessage()
        with pytest.raises(api.StoreUnavailable, match="whether it was published is unknown"):
            api.publish("r", 1)


class CapturedTests(TestCase):
    """A test case of Django's is one transaction, which never commits."""

    def test_captured_commit_hooks_publish(self) -> None:
        api.publish("r", "before")
        with self.captureOnCommitCallbacks(execute=True) as hooks:
            api.publish("r", "one")
            api.publish("r", "two")
        assert len(hooks) == 2
        assert data(composition.blocking_store().log) == ['"one"', '"two"']
        assert len(connections["default"].run_on_commit) == 3

    def test_captured_commit_hooks_of_an_inner_block_publish(self) -> None:
        with transaction.atomic(), self.captureOnCommitCallbacks(execute=True):
            api.publish("r", "one")
        assert data(composition.blocking_store().log) == ['"one"']


# Async


TWINS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (api.apublish, ("r", 1)),
    (api.apublish_to_user, (7, 1)),
    (api.apublish_many, ([("r", 1)],)),
]


@pytest.mark.parametrize(("twin", "arguments"), TWINS, ids=lambda value: str(value)[:20])
async def test_apublish_publishes(
    log: BlockingLog, twin: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    assert await twin(*arguments)


def test_apublish_under_a_sync_transaction_waits_for_its_commit(log: BlockingLog) -> None:
    from asgiref.sync import async_to_sync

    with transaction.atomic():
        assert async_to_sync(api.apublish)("r", 1) is None
        assert data(log) == []
    assert data(log) == ["1"]


def test_apublish_under_a_manual_transaction_is_refused(log: BlockingLog, manual: str) -> None:
    from asgiref.sync import async_to_sync

    with pytest.raises(TransactionManagementError):
        async_to_sync(api.apublish)("r", 1)
    assert data(log) == []
