"""The end of a test's worker."""

import asyncio
import pickle
import unittest
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import TransactionTestCase

from realtime import api
from realtime.testing import WorkerMixin, connect, stop_worker
from realtime.worker import instances
from realtime.worker.runtime import Runtime
from tests.polling import eventually
from tests.postgres_server import backends

workers: list[Runtime] = []


class Cases(WorkerMixin, TransactionTestCase):
    """Run by the tests below, not by pytest."""

    __test__ = False

    async def test_that_fails(self) -> None:
        user = await User.objects.acreate(username="ann")
        async with connect(user):
            workers.extend(instances.running())
            await api.asessions()
        raise AssertionError("as expected")

    def test_that_is_sync(self) -> None:
        assert instances.running() == []


@pytest.mark.django_db(transaction=True)
def test_a_test_that_fails_leaves_no_worker() -> None:
    result = unittest.TestResult()
    unittest.TestSuite([Cases("test_that_fails"), Cases("test_that_is_sync")]).run(result)
    assert (result.testsRun, result.errors) == (2, [])
    assert [text.splitlines()[-1] for _, text in result.failures] == ["AssertionError: as expected"]
    assert len(workers) == 1
    workers.clear()
    assert instances.running() == []


@pytest.mark.django_db(transaction=True)
def test_neither_does_one_that_is_debugged() -> None:
    with pytest.raises(AssertionError, match="as expected"):
        Cases("test_that_fails").debug()
    workers.clear()
    assert instances.running() == []


def test_cases_go_to_other_processes() -> None:
    """The processes of `manage.py test --parallel` get them pickled."""
    assert pickle.loads(pickle.dumps(Cases("test_that_fails"))).id().endswith("test_that_fails")


def test_no_connection_is_left_that_would_keep_the_database(
    postgres_database: str, settings: Any
) -> None:
    """Not even where connections persist."""

    async def connect_all() -> None:
        await api.asessions()
        await instances.start()

    settings.REALTIME = {"STORE": f"database:{postgres_database}"}
    persistent = connections[postgres_database].settings_dict
    before, persistent["CONN_MAX_AGE"] = persistent["CONN_MAX_AGE"], None
    try:
        with asyncio.Runner() as runner:
            runner.run(connect_all())
            assert len(backends(postgres_database)) > 1
            runner.run(stop_worker())
        eventually(lambda: not backends(postgres_database), what="their end")
    finally:
        persistent["CONN_MAX_AGE"] = before
