"""The loop in the background: one for a process, another one after a fork or a stop."""

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


def ask(background: BackgroundLoop) -> tuple[int, asyncio.AbstractEventLoop]:
    return asyncio.run_coroutine_threadsafe(whereabouts(), background.loop()).result(10.0)


def test_it_runs_in_one_thread_of_its_own(background: BackgroundLoop) -> None:
    thread, loop = ask(background)
    assert thread != threading.get_ident()
    assert ask(background) == (thread, loop)


def test_threads_that_ask_at_once_get_the_same(background: BackgroundLoop) -> None:
    loops: set[asyncio.AbstractEventLoop] = set()
    threads = [threading.Thread(target=lambda: loops.add(background.loop())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loops) == 1


def test_a_stop_ends_what_runs_there_and_the_next_use_begins_anew(
    background: BackgroundLoop,
) -> None:
    _, before = ask(background)
    forever = asyncio.run_coroutine_threadsafe(asyncio.sleep(3600), before)
    background.stop()
    assert forever.cancelled()
    assert before.is_closed()
    _, after = ask(background)
    assert after is not before


def test_what_is_nearly_done_is_done_before_the_end(background: BackgroundLoop) -> None:
    _, loop = ask(background)
    soon = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05, "done"), loop)
    background.stop()
    assert soon.result(0) == "done"


def test_nothing_to_stop_is_no_error(background: BackgroundLoop) -> None:
    background.stop()


# Python warns of forks in processes with threads: that is what this is about.
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded")
def test_a_forked_process_has_one_of_its_own(background: BackgroundLoop) -> None:
    ask(background)
    with background._lock:  # as a thread of ours may hold it at that moment
        child = os.fork()
        if child == 0:
            works = False
            try:
                works = ask(background)[0] != threading.get_ident()
                background.stop()
            finally:
                os._exit(0 if works else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    ask(background)
