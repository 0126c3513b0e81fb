"""The contract suite: one definition of a store, run on every kind of it."""

from collections.abc import Iterator

import pytest

from realtime.store.base import BlockingStore

from .kinds import KINDS, Kind


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Kind]:
    """A fresh store of each kind."""
    kind = KINDS[request.param]()
    yield kind
    kind.close()


@pytest.fixture
def store(kind: Kind) -> BlockingStore:
    """The store under test."""
    return kind.store
