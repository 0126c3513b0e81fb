"""`position` and `aposition`: where a page goes on from."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from realtime import api, composition
from realtime.models import RoomLog
from realtime.protocol.position import Position
from realtime.store.contract import StoreUnavailable
from realtime.store.database.log import LogOperations
from realtime.worker.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(LogOperations, "find_ends", fail)


def test_a_position_is_that_of_the_last_publication() -> None:
    before = api.position("chat:1")
    assert isinstance(before, Position)
    published = api.publish("chat:1", 1)
    assert api.position("chat:1") == published == Position(before.epoch, 1)
    assert str(published) == f"{before.epoch}:1"


async def test_the_async_twin_gives_the_same_without_and_with_a_worker(
    transactional_db: None,
) -> None:
    await api.apublish("chat:1", 1)
    expected = await sync_to_async(api.position)("chat:1")
    assert await api.aposition("chat:1") == expected


async def test_a_worker_gives_the_same_position(worker: Runtime) -> None:
    await api.apublish("chat:1", 1)
    expected = await sync_to_async(api.position)("chat:1")
    assert await api.aposition("chat:1") == expected


@pytest.mark.parametrize("room", ["", "a room", "x" * 101])
async def test_an_invalid_room_name_raises(room: str) -> None:
    with pytest.raises(ValueError, match="expected a room"):
        await sync_to_async(api.position)(room)
    with pytest.raises(ValueError, match="expected a room"):
        await api.aposition(room)


async def test_without_the_store_it_is_empty(unreachable: None) -> None:
    assert await sync_to_async(api.position)("chat:1") == ""
    assert await api.aposition("chat:1") == ""


async def test_in_a_worker_without_the_store_it_is_empty(
    worker: Runtime, unreachable: None
) -> None:
    assert await api.aposition("chat:1") == ""


def test_it_is_one_question_and_writes_nothing_in_a_transaction() -> None:
    api.position("chat:0")  # the store's owner and the base are known
    composition.blocking_store()
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        api.position("chat:1")
    statements = [each["sql"].split()[0] for each in queries.captured_queries]
    assert set(statements) <= {"SELECT"}
    assert not RoomLog.objects.filter(room="chat:1").exists()
