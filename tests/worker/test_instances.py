"""The workers of a process: one for each event loop."""

import asyncio
import os
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from realtime.testing import stop_worker
from realtime.worker import instances
from realtime.worker.runtime import Runtime
from realtime.worker.sessions.beats import Beats

from .conftest import QUICK


async def test_there_is_one_for_each_loop(worker: Runtime) -> None:
    assert await instances.start() is worker
    assert instances.running() == [worker]


@pytest.mark.usefixtures("transactional_db")
async def test_concurrent_starts_get_the_same_worker() -> None:
    workers = await asyncio.gather(*(instances.start() for _ in range(10)))
    assert len(set(map(id, workers))) == 1
    await workers[0].stop()


@pytest.mark.usefixtures("transactional_db")
async def test_a_cancelled_wait_does_not_stop_the_start() -> None:
    waiting = asyncio.create_task(instances.start())
    await asyncio.sleep(0)
    waiting.cancel()
    worker = await instances.start()
    assert worker.alive
    await worker.stop()


async def test_after_its_end_a_new_worker_has_another_id(worker: Runtime) -> None:
    await worker.stop()
    assert instances.running() == []
    another = await instances.start()
    assert another.context.id != worker.context.id
    await another.stop()


async def test_a_start_that_fails_is_tried_again(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = asyncio.all_tasks()

    async def fail(*_: Any) -> None:
        raise ImproperlyConfigured("not yet")

    with monkeypatch.context() as broken:
        broken.setattr(Beats, "flush", fail)
        failed = await asyncio.gather(
            *[instances.start() for _ in range(3)], return_exceptions=True
        )
    assert [str(error) for error in failed] == ["not yet"] * 3
    assert (asyncio.all_tasks(), instances.running()) == (tasks, [])
    worker = await instances.start()
    assert worker.ready
    await worker.stop()


@pytest.mark.usefixtures("transactional_db")
def test_a_worker_whose_loop_was_closed_is_not_running() -> None:
    with override_settings(REALTIME=QUICK), asyncio.Runner() as runner:
        worker = runner.run(instances.start())
        assert instances.running() == [worker]
    assert instances.running() == []
    asyncio.run(worker.context.threads.aclose())


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded")
async def test_a_process_that_a_server_has_forked_has_no_worker(worker: Runtime) -> None:
    assert instances.running() == [worker]
    child = os.fork()
    if child == 0:
        os._exit(len(instances.running()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


async def test_a_project_s_test_stops_the_worker_of_its_loop(worker: Runtime) -> None:
    assert instances.current() is worker
    for _ in range(2):
        await stop_worker()
        assert instances.current() is None
