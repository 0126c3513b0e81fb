"""The contract suite: one definition of a store, run on every store."""

from collections.abc import Iterator

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.log import BlockingLog

from .store_fixtures import STORE_FIXTURES, StoreFixture


def _params() -> Iterator[object]:
    """The backends, those on the default database with the mark that prepares it."""
    for name, (ground, _) in STORE_FIXTURES.items():
        own = [pytest.mark.django_db(transaction=True)] if ground == "default_database" else []
        yield pytest.param(name, marks=own)


@pytest.fixture(params=_params())
def backend(request: pytest.FixtureRequest) -> Iterator[StoreFixture]:
    """A fresh store of each backend."""
    ground, make = STORE_FIXTURES[request.param]
    backend = make(request.getfixturevalue(ground))
    yield backend
    backend.close()


@pytest.fixture
def store(backend: StoreFixture) -> BlockingStore:
    """The store under test."""
    return backend.store


@pytest.fixture
def log(store: BlockingStore) -> BlockingLog:
    """Its message log."""
    return store.log
