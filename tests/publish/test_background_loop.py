"""The background loop: one per process, a new one after a fork or a stop."""

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest

from realtime.publish.background_loop import BackgroundLoop


@pytest.fixture
def background() -> Iterator[BackgroundLoop]:
    background = BackgroundLoop()
    yield background
    background.stop()


async def whereabouts() -> tuple[int, asyncio.AbstractEventLoop]:
    return threading.get_ident(), asyncio.get_running_loop()


def run_on(background: BackgroundLoop) -> tuple[int, asyncio.AbstractEventLoop]:
    return asyncio.run_coroutine_threadsafe(whereabouts(), background.loop()).result(10.0)


def test_the_loop_runs_in_one_thread_of_its_own(background: BackgroundLoop) -> None:
    thread, loop = run_on(background)
    assert thread != threading.get_ident()
    assert run_on(background) == (thread, loop)


def test_concurrent_threads_get_the_same_loop(background: BackgroundLoop) -> None:
    loops: set[asyncio.AbstractEventLoop] = set()
    threads = [threading.Thread(target=lambda: loops.add(background.loop())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loops) == 1


def test_stop_ends_running_tasks_and_the_next_use_makes_a_new_loop(
    background: BackgroundLoop,
) -> None:
    _, before = run_on(background)
    forever = asyncio.run_coroutine_threadsafe(asyncio.sleep(3600), before)
    background.stop()
    assert forever.cancelled()
    assert before.is_closed()
    _, after = run_on(background)
    assert after is not before


def test_stop_lets_short_tasks_finish(background: BackgroundLoop) -> None:
    _, loop = run_on(background)
    soon = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05, "done"), loop)
    background.stop()
    assert soon.result(0) == "done"


def test_stop_without_a_loop_does_nothing(background: BackgroundLoop) -> None:
    background.stop()


# Python warns of forks in processes with threads: that is what this is about.
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded")
def test_a_forked_process_makes_its_own_loop(background: BackgroundLoop) -> None:
    run_on(background)
    with background._lock:  # as a thread of ours may hold it at that moment
        child = os.fork()
        if child == 0:
            works = False
            try:
                works = run_on(background)[0] != threading.get_ident()
                background.stop()
            finally:
                os._exit(0 if works else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    run_on(background)
