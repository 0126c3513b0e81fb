"""The owner of a store, by the fingerprints of secret keys, and its layout."""

import asyncio
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from realtime.common.threads import Threads
from realtime.store.contract import BlockingStore, Store
from realtime.store.database import blocking_store as database_store
from realtime.store.database import loop_store as database_loop_store
from realtime.store.log import PublishRequest
from realtime.store.ownership import LAYOUT, ForeignStore, Owner
from realtime.store.redis import blocking_store as redis_store
from realtime.store.redis import loop_store as redis_loop_store

from .builders import beat, opening
from .store_fixtures import DatabaseFixture, RedisFixture, StoreFixture, params

OLD, NEW = Owner(("old",)), Owner(("new",))
FIRST_STEP, SECOND_STEP = Owner(("old", "new")), Owner(("new", "old"))
LATER = Owner(("old",), layout=LAYOUT + 1)

Of = Callable[[Owner], BlockingStore]


@pytest.fixture(params=["postgresql", "redis"])
def backend(request: pytest.FixtureRequest) -> Iterator[StoreFixture]:
    """An empty store without an owner, which several machines may share."""
    if request.param == "redis":
        backend: StoreFixture = RedisFixture(request.getfixturevalue("redis_server"))
    else:
        backend = DatabaseFixture(request.getfixturevalue("postgres_database"))
    yield backend
    backend.close()


@pytest.fixture
def of(backend: StoreFixture) -> Of:
    """The store of a process of this owner that has just started."""

    def made(owner: Owner) -> BlockingStore:
        if isinstance(backend, RedisFixture):
            redis_store.cache_clear()
            return redis_store(backend.server.url, params(owner=owner))
        assert isinstance(backend, DatabaseFixture)
        return database_store(backend.database.alias, params(owner=owner))

    return made


CALLS: list[Callable[[BlockingStore], object]] = [
    lambda store: store.own(),
    lambda store: store.open(opening()),
    lambda store: store.stats(),
    lambda store: store.log.append([PublishRequest("r", "1")]),
    lambda store: store.log.ends(["r"]),
    beat,
]


@pytest.mark.parametrize("call", CALLS)
def test_an_owner_with_other_keys_is_refused(
    backend: StoreFixture, of: Of, call: Callable[[BlockingStore], object]
) -> None:
    of(OLD).own()
    stranger = of(NEW)
    for _ in range(2):
        with pytest.raises(ForeignStore, match=r"another SECRET_KEY.*sweep --adopt-store") as told:
            call(stranger)
    apart = "a REDIS_PREFIX" if isinstance(backend, RedisFixture) else r"a database .*\(STORE\)"
    assert re.search(apart, str(told.value))
    assert backend.store.stats().connected == backend.store.stats().workers == 0
    call(of(OLD))


def test_reading_an_empty_store_does_not_claim_it(of: Of) -> None:
    assert of(OLD).stats().connected == 0
    of(NEW).own()
    with pytest.raises(ForeignStore):
        of(OLD).stats()


def test_a_key_is_replaced_in_two_steps(of: Of) -> None:
    """Workers of the step before continue, and may restart."""
    steps = [OLD, FIRST_STEP, SECOND_STEP, NEW]
    for before, after in pairwise(steps):
        of(before).own()
        running = of(before)
        running.stats()
        of(after).own()
        of(after).stats()
        running.stats()
        if set(before.keys) >= set(after.keys):
            of(before).own()
            of(after).own()
    with pytest.raises(ForeignStore):
        of(OLD).own()


def test_a_store_is_adopted_in_an_emergency(of: Of) -> None:
    of(OLD).own()
    of(NEW).own(adopt=True)
    of(NEW).stats()
    with pytest.raises(ForeignStore):
        of(OLD).stats()


def test_a_store_of_a_later_layout_is_refused(of: Of) -> None:
    of(OLD).own()
    of(LATER).own()
    with pytest.raises(ForeignStore, match=r"later release.*layout 2, not 1.* its own"):
        of(OLD).stats()
    of(OLD).own(adopt=True)
    of(OLD).stats()


def test_of_two_owners_that_start_together_one_has_the_store(backend: StoreFixture, of: Of) -> None:
    strangers = [of(OLD), of(NEW)]

    def start(store: BlockingStore) -> bool:
        try:
            store.own()
        except ForeignStore:
            return False
        return True

    calls = [lambda _, store=store: start(store) for store in strangers]
    assert sorted(backend.at_once(calls)) == [False, True]


def test_an_emptied_store_has_no_owner(backend: StoreFixture, of: Of) -> None:
    of(OLD).own()
    before = beat(backend.store).incarnation
    backend.empty()
    assert beat(backend.store).incarnation != before  # so that workers own it again
    of(NEW).own()


def test_a_store_without_an_owner_makes_no_check(backend: StoreFixture, of: Of) -> None:
    of(OLD).own()
    backend.store.own()
    assert backend.store.stats().connected == 0


@pytest.mark.django_db(transaction=True)
def test_a_sqlite_file_has_no_owner() -> None:
    database_store("default", params(owner=OLD)).own()
    other = database_store("default", params(owner=NEW))
    other.own()
    assert other.stats().connected == 0


def test_a_store_on_a_loop_checks_the_owner_too(backend: StoreFixture) -> None:
    threads = Threads()

    def of(owner: Owner) -> Store:
        if isinstance(backend, RedisFixture):
            url = backend.server.url
            return redis_loop_store(url, params(owner=owner))
        assert isinstance(backend, DatabaseFixture)
        alias = backend.database.alias
        return database_loop_store(alias, params(owner=owner), threads)

    async def run() -> None:
        own, stranger = of(OLD), of(NEW)
        await own.own()
        for call in (stranger.stats, stranger.own, stranger.probe):
            with pytest.raises(ForeignStore, match=r"of its own"):
                await call()
        await stranger.own(adopt=True)
        await stranger.stats()
        await own.aclose()
        await stranger.aclose()
        await threads.aclose()

    asyncio.run(run())
