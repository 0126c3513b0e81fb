"""Two releases on one database: the older one continues after the migrations."""

import pytest
from django.apps.registry import Apps
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.transaction import Database

from .builders import beat, update
from .store_fixtures import TIMEOUTS

FIRST = ("realtime", "0001_initial")

ON_DEFAULT = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[pytest.param("default_database", marks=ON_DEFAULT), "postgres_database"])
def alias(request: pytest.FixtureRequest) -> str:
    alias: str = request.getfixturevalue(request.param)
    return alias


@pytest.fixture
def before(alias: str) -> Apps:
    """The models as the first release has them."""
    loader = MigrationLoader(connections[alias])
    apps: Apps = loader.project_state(FIRST).apps
    return apps


def times() -> dict[str, int]:
    now = 1_000
    return dict.fromkeys(("opened_at", "connected_at", "last_beat", "deadline"), now)


def test_rows_of_the_first_release_are_read(alias: str, before: Apps) -> None:
    sessions = BlockingDatabaseStore(Database(alias), TIMEOUTS)
    live = before.get_model("realtime", "LiveSession")
    live.objects.using(alias).create(id="s1", state="connected", worker="w1", **times())
    before.get_model("realtime", "Worker").objects.using(alias).create(id="w1", lease_until=1)
    before.get_model("realtime", "Registry").objects.using(alias).create()
    session = sessions.get("s1")
    assert session is not None
    assert session.turn == 0
    assert beat(sessions, "w1", update("s1")).lost == ()
