"""Fixtures that many folders share, and the order in which the tests run."""

import gc
import os
import re
import signal
from collections.abc import Generator, Iterator
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

import tests.search_profiles  # noqa: F401  # registers Hypothesis's profiles
from tests.e2e.support import make_database
from tests.postgres_server import PostgresServer, programs
from tests.redis_server import RedisServer

BROWSER = "tests/browser/"
SLOW_FOLDERS = (BROWSER, "tests/e2e/", "tests/engines/", "tests/projects/")
# The order in which files begin. The slowest come first, so that no worker is left alone
# with it at the end.
ORDER = (
    BROWSER,
    "tests/e2e/test_chaos.py",
    "tests/e2e/test_crash.py",
    "tests/e2e/test_clocks.py",
    "tests/e2e/test_redis_faults.py",
    "tests/e2e/test_workers.py",
    "tests/e2e/test_cycles.py",
    "tests/e2e/test_slow_readers.py",
    "tests/e2e/",
    "tests/projects/",
    "tests/store/test_machine.py",
    "tests/management/",
    "",
)
# Their tests start processes, most of them, each with an interpreter of its own.
PROCESSES = (
    "tests/management/test_sessions_command.py",
    "tests/management/test_sweep_command.py",
    "tests/packages/",
    "tests/store/test_log_history.py",
)
SERVERS = {
    "postgres_alias",
    "postgres_database",
    "postgres_server",
    "postgresql",
    "redis",
    "redis_server",
}
CORES = len(os.sched_getaffinity(0))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "server: starts Redis, PostgreSQL, a server or a browser")
    config.addinivalue_line("markers", "matrix: slow; runs in `make matrix` or with -m matrix only")
    config.addinivalue_line("markers", "deep: runs in `make deep` or with -m deep only")
    config.addinivalue_line("markers", "alone: `make test` runs nothing else beside it")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Handle SIGTERM like Ctrl-C, so that fixtures stop the servers they have started."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        session.shouldstop = "ended by SIGTERM"  # if the test swallows the exception
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGTERM, interrupt)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from the tests themselves: it would go through half a
    million objects again and again, and free none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before -m selects by the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that start servers, leave out those marked ``matrix`` or ``deep`` unless
    ``-m`` names the mark, and put the files in order."""
    for item in items:
        if starts_servers(item):
            item.add_marker("server")
    for mark in ("matrix", "deep"):
        if mark not in config.option.markexpr:
            left_out = [item for item in items if item.get_closest_marker(mark)]
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if not item.get_closest_marker(mark)]
    items.sort(
        key=lambda item: next(at for at, name in enumerate(ORDER) if item.nodeid.startswith(name))
    )


def starts_servers(item: pytest.Item) -> bool:
    """Whether a test is in a folder or file of those that start processes, or uses a server: by a
    fixture, or by a parameter that names the kind of store."""
    if item.nodeid.startswith((*SLOW_FOLDERS, *PROCESSES)):
        return True
    words = re.split(r"[^a-z_]", item.name)
    return not SERVERS.isdisjoint([*getattr(item, "fixturenames", ()), *words])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return WaitingTogether(config, log)


class WaitingTogether(LoadFileScheduling):
    """Hands out a file at a time, and all browser files to one worker: two browsers would take
    both cores.

    The slow folders wait for most of their time, so more workers than cores may run them. When no
    file of these is left, workers end until there are as many as cores.
    """

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)

    def _reschedule(self, node: WorkerController) -> None:
        computes = not any(file.startswith(SLOW_FOLDERS) for file in self.workqueue)
        others = [each for each in self.nodes if each is not node and not each.shutting_down]
        if computes and len(others) >= CORES:
            node.shutdown()
        else:
            super()._reschedule(node)


@pytest.fixture(scope="session", autouse=True)
def emptied() -> Iterator[None]:
    """After a test with transactions of its own, delete the rows it may have written.

    Django would also delete and write again what the migrations wrote, which took most of the
    time of a thousand such tests.
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
    """A Redis for all tests of this process; each test that uses it flushes it first."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests of this process."""
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
    """The alias of a migrated database on that server.

    Django is given it here and not in the settings, so that other tests start without a server.
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
    """The same alias, for one test; deletes the rows of our tables afterwards."""
    tables = [model._meta.db_table for model in apps.get_app_config("realtime").get_models()]
    with django_db_blocker.unblock():
        yield postgres_alias
        with connections[postgres_alias].cursor() as cursor:
            # Quicker than TRUNCATE, which begins five new files.
            cursor.execute("; ".join(f"DELETE FROM {table}" for table in tables))
