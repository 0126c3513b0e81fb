"""Processes in which gevent or eventlet has replaced threads by green ones.

An event loop in a green thread seems to run in all of them, since asyncio remembers it by the
thread of the system: Django's ORM would then refuse every query of the process.
"""

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def is_eventlet_patched() -> bool:
    """Whether eventlet has replaced the threads. Its locks do not work between threads of the
    system, so no thread can run an event loop."""
    patcher: Any = sys.modules.get("eventlet.patcher")
    return patcher is not None and bool(patcher.is_monkey_patched("thread"))


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop for a thread of :func:`start_thread`."""
    monkey = _gevent()
    if monkey is None:
        return asyncio.new_event_loop()
    selector = monkey.get_original("selectors", "DefaultSelector")
    loop = asyncio.SelectorEventLoop(selector())
    loop.set_default_executor(_Inline(1))
    return loop


def start_thread(run: Callable[[], None], name: str) -> Callable[[float], None]:
    """Call ``run()`` in a thread of the system; returns its ``join(timeout_in_seconds)``."""
    monkey = _gevent()
    if monkey is None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread.join
    ended: Future[None] = Future()

    def run_to_end() -> None:
        try:
            run()
        finally:
            ended.set_result(None)

    monkey.get_original("_thread", "start_new_thread")(run_to_end, ())

    def join(timeout: float) -> None:
        with suppress(TimeoutError):
            ended.result(timeout)

    return join


def _gevent() -> Any:
    """gevent's module of patches; None if it has patched nothing."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey if monkey and monkey.saved else None


class _Inline(ThreadPoolExecutor):
    """Runs calls at once, such as name look-ups, in the loop's own thread. A thread of this pool
    would be a green one, which never gets to run there."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future
