"""The contract suite: one definition of a store, run on every kind of it."""

from collections.abc import Iterator

import pytest

from realtime.store.contract import BlockingStore

from .kinds import KINDS, StoreFixture


def _params() -> Iterator[object]:
    """The kinds, those on the default database with the mark that prepares it."""
    for name, (ground, _) in KINDS.items():
        own = [pytest.mark.django_db(transaction=True)] if ground == "default_database" else []
        yield pytest.param(name, marks=own)


@pytest.fixture(params=_params())
def kind(request: pytest.FixtureRequest) -> Iterator[StoreFixture]:
    """A fresh store of each kind."""
    ground, make = KINDS[request.param]
    kind = make(request.getfixturevalue(ground))
    yield kind
    kind.close()


@pytest.fixture
def store(kind: StoreFixture) -> BlockingStore:
    """The store under test."""
    return kind.store
