"""What many tests share, and in which order they run."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import dj_database_url
import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connections
from django.test import TransactionTestCase
from pytest_django.plugin import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from tests.e2e.support import make_database
from tests.postgres_server import PostgresServer, programs
from tests.redis_server import RedisServer

BROWSER = "tests/browser/"
LONG = (BROWSER, "tests/e2e/")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Whoever ends this process ends the servers, too: like Ctrl-C, in order."""

    def end(number: int, frame: FrameType | None) -> None:
        session.shouldstop = "ended from outside"  # should the test take no notice
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGTERM, end)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, so that no worker is left alone with it in the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return WaitingTogether(config, log)


class WaitingTogether(LoadFileScheduling):
    """A file at a time, and all files with a browser in one worker: two browsers fill two cores.

    Tests with servers wait for much of their time, so that there may be more workers than cores:
    those beyond end with the last of these tests, the others compute.
    """

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)

    def _reschedule(self, node: WorkerController) -> None:
        computes = self.workqueue and not next(iter(self.workqueue)).startswith(LONG)
        others = [each for each in self.nodes if each is not node and not each.shutting_down]
        if computes and len(others) >= len(os.sched_getaffinity(0)):
            node.shutdown()
        else:
            super()._reschedule(node)


@pytest.fixture(scope="session", autouse=True)
def emptied() -> Iterator[None]:
    """After a test with transactions of its own, what it may have written is deleted.

    Django would delete what the migrations wrote, too, and write it again: most of such a
    test's time, and there are two thousand of them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", _empty)
        yield


def _empty(test: TransactionTestCase) -> None:
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType

    kept = {model._meta.db_table for model in (ContentType, Permission)}
    for alias in test.databases:
        connection = connections[alias]
        tables = connection.introspection.django_table_names(include_views=False)
        written = sorted({*tables} - kept)
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), written))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database of the demo with users; every project of a test copies it."""
    return make_database(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis of our own. Who uses it flushes it."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with PostgresServer(folder) as server:
        yield server


@pytest.fixture
def default_database() -> str:
    """The alias of the default database, for tests that are marked to use it."""
    return "default"


@pytest.fixture(scope="session")
def postgres_alias(
    postgres_server: PostgresServer, django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """The alias of a migrated database there.

    Django learns of it only now, so that whoever runs other tests does not wait for it.
    """
    alias = "postgresql"
    added = {alias: dj_database_url.parse(postgres_server.url)}
    connections.settings |= connections.configure_settings({**connections.settings, **added})
    with django_db_blocker.unblock():
        call_command("migrate", database=alias, verbosity=0)
    yield alias
    connections[alias].close()


@pytest.fixture
def postgres_database(postgres_alias: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The same, for one test; our tables are emptied afterwards."""
    tables = [model._meta.db_table for model in apps.get_app_config("realtime").get_models()]
    with django_db_blocker.unblock():
        yield postgres_alias
        with connections[postgres_alias].cursor() as cursor:
            # Quicker than TRUNCATE, which begins five new files.
            cursor.execute("; ".join(f"DELETE FROM {table}" for table in tables))
