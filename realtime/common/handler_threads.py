"""Threads for the sync code of application handlers: one for each call of a handler.

asgiref runs the sync code of everything that is no HTTP request in one thread of the process:
``sync_to_async``, ``database_sync_to_async`` and Django's asynchronous ORM. Here each call of a
handler has its own thread-sensitive context, whose executor is a :class:`HandlerExecutor`. It is
assigned a thread at the first sync call, and keeps it until the handler returns.
"""

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Token
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, Self, TypeVar, cast

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext
from django.db import close_old_connections, connections

from .threads import CLOSE_TIMEOUT, Overloaded
from .time_limit import current_time_limit
from .transactions import is_manual

logger = logging.getLogger("realtime.work")

P = ParamSpec("P")
T = TypeVar("T")

MAX_WAITING = 2000  # executors without a thread; calls of further ones are refused


class _Call:
    """A sync call of an executor: runs once, unless it was cancelled before."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.future: Future[Any] = Future()
        self._call = call

    def run(self, on_end: Callable[[], None]) -> None:
        """Run it in this thread. Calls ``on_end()`` before the result is set."""
        if not self.future.set_running_or_notify_cancel():
            on_end()
            return
        try:
            result = self._call()
        except BaseException as error:
            on_end()
            self.future.set_exception(error)
        else:
            on_end()
            self.future.set_result(result)


class HandlerExecutor(Executor):
    """The executor of one handler call; a context manager around it. All sync calls inside run in
    one thread, in order. Tasks that outlive the handler get a thread for each sync call.
    """

    def __init__(self, threads: "HandlerThreads") -> None:
        self._threads = threads
        self._token: Token[ThreadSensitiveContext] | None = None
        self.thread: ThreadPoolExecutor | None = None
        self.waiting: list[_Call] = []  # for the thread
        self.unfinished = 0  # calls that the thread was given
        self.ended = False
        self.in_transaction = False  # when its last call ended
        # Called when its wait for a thread ends.
        self.stop_waiting: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        """Use it for all sync calls inside. Not in a loop for which sync code waits, as in tests
        of Django: there sync calls run in that code's thread, in its transaction."""
        if not _sync_code_waits():
            self._token = SyncToAsync.thread_sensitive_context.set(_context_of(self))
        return self

    def __exit__(self, *_: object) -> None:
        if self._token:
            SyncToAsync.thread_sensitive_context.reset(self._token)
        self._threads.release(self)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run a sync call. Raises Overloaded if too many executors wait for a thread."""
        call = _Call(partial(fn, *args, **kwargs))
        self._threads.submit(self, call)
        return call.future


@dataclass(slots=True)
class HandlerThreadCounters:
    """Counts of handler calls since the start. The threads' lock guards them."""

    waits: int = 0  # calls that waited because all threads were busy
    timed_out: int = 0  # of these: that got no thread in time
    refused: int = 0  # that found MAX_WAITING others waiting


class HandlerThreads:
    """Up to ``size`` threads, made when they are needed.

    A handler whose sync code is idle, because it awaits something else, keeps its thread but
    delays no other: further threads are made, up to ``MORE`` times ``size``. A handler that waits
    longer than ``timeout`` seconds for a thread gets :class:`Overloaded`. Database connections
    are treated as Django does around a request, in the thread that used them.
    """

    MORE = 4

    def __init__(self, *, size: int, timeout: float) -> None:
        self._size = size
        self._timeout = timeout
        self._lock = threading.RLock()
        self._free: list[ThreadPoolExecutor] = []
        self._total = 0  # threads
        self._idle = 0  # threads whose handler awaits something else
        self._timed_out = 0  # executors since all threads are busy
        self._queue: OrderedDict[HandlerExecutor, None] = OrderedDict()
        self._closed = False
        self.counters = HandlerThreadCounters()
        self._shared = HandlerExecutor(self)
        self._shared.ended = True
        self._shared_context = _context_of(self._shared)

    def executor(self) -> HandlerExecutor:
        """The executor for one call of a handler, to be entered around it."""
        return HandlerExecutor(self)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Code inside gets a thread for each of its sync calls, unless an executor is entered."""
        if _sync_code_waits():
            yield
            return
        token = SyncToAsync.thread_sensitive_context.set(self._shared_context)
        try:
            yield
        finally:
            SyncToAsync.thread_sensitive_context.reset(token)

    # ------------------------------------------------------------ assigning threads

    def submit(self, executor: HandlerExecutor, call: _Call) -> None:
        """Run a call in the executor's thread, or once it has one. Raises Overloaded."""
        with self._lock:
            if executor.ended:
                executor = HandlerExecutor(self)
                call.future.add_done_callback(lambda _: self.release(executor))
            if executor.thread:
                self._idle -= not executor.unfinished
                self._run(executor, call)
            elif thread := None if executor in self._queue else self._find_thread():
                self._assign(thread, executor)
                self._run(executor, call)
            else:
                self._wait(executor, call)

    def _find_thread(self) -> ThreadPoolExecutor | None:
        if self._closed:
            raise RuntimeError("this worker has ended")
        if self._free:
            return self._free.pop()
        if self._total - self._idle < self._size and self._total < self._size * self.MORE:
            return self._make_thread()
        return None

    def _make_thread(self) -> ThreadPoolExecutor | None:
        thread = ThreadPoolExecutor(1, thread_name_prefix="realtime-handlers")
        try:
            thread.submit(lambda: None)  # starts it
        except RuntimeError:  # the system lets this process have no more threads
            return None
        self._total += 1
        return thread

    def _assign(self, thread: ThreadPoolExecutor, executor: HandlerExecutor) -> None:
        executor.thread = thread
        thread.submit(close_old_connections)

    def _run(self, executor: HandlerExecutor, call: _Call) -> None:
        assert executor.thread is not None
        executor.unfinished += 1
        executor.thread.submit(call.run, partial(self._call_ended, executor))

    def _call_ended(self, executor: HandlerExecutor) -> None:
        """Called in its thread."""
        in_transaction = _in_transaction()
        with self._lock:
            executor.unfinished -= 1
            executor.in_transaction = in_transaction
            if not (executor.unfinished or executor.ended):
                self._idle += 1
                self._serve_queue()

    # ------------------------------------------------------------ waiting

    def _wait(self, executor: HandlerExecutor, call: _Call) -> None:
        if executor not in self._queue:
            if len(self._queue) >= MAX_WAITING:
                self.counters.refused += 1
                raise Overloaded
            self.counters.waits += 1
            self._queue[executor] = None
            self._start_wait(executor)
        executor.waiting.append(call)

    def _start_wait(self, executor: HandlerExecutor) -> None:
        """In its event loop: limit the wait, and stop the clock of the handler's own limit."""
        loop, time_limit = asyncio.get_running_loop(), current_time_limit()
        timer = loop.call_later(self._timeout, self._time_out, executor)
        if time_limit:
            time_limit.pause()

        def end() -> None:
            timer.cancel()
            if time_limit:
                time_limit.resume()

        def stop_waiting() -> None:  # from any thread
            if not loop.is_closed():
                loop.call_soon_threadsafe(end)

        executor.stop_waiting = stop_waiting

    def _serve_queue(self) -> None:
        while self._queue and (thread := self._find_thread()):
            executor, _ = self._queue.popitem(last=False)
            self._assign(thread, executor)
            calls, executor.waiting = executor.waiting, []
            for call in calls:
                self._run(executor, call)
            executor.stop_waiting()
        if not self._queue and self._timed_out:
            logger.warning("handlers have threads again; %d calls were given up", self._timed_out)
            self._timed_out = 0

    def _time_out(self, executor: HandlerExecutor) -> None:
        with self._lock:
            if executor not in self._queue:
                return
            if not self._timed_out:
                logger.error(
                    "all threads of the application's handlers have been busy for %g s",
                    self._timeout,
                )
            self._timed_out += 1
            self.counters.timed_out += 1
            self._leave_queue(executor, Overloaded("no thread was free in time"))

    def _leave_queue(self, executor: HandlerExecutor, error: Exception | None = None) -> None:
        del self._queue[executor]
        calls, executor.waiting = executor.waiting, []
        executor.stop_waiting()
        for call in calls:
            if error and call.future.set_running_or_notify_cancel():
                call.future.set_exception(error)
            elif not error:
                call.future.cancel()

    # ------------------------------------------------------------ releasing threads

    def release(self, executor: HandlerExecutor) -> None:
        """The handler has returned: free its thread once what runs there has ended."""
        with self._lock:
            executor.ended = True
            if executor in self._queue:
                self._leave_queue(executor)
            elif executor.thread:
                self._idle -= not executor.unfinished
                executor.thread.submit(self._clean, executor.thread)

    def _clean(self, thread: ThreadPoolExecutor) -> None:
        """Called in this thread, after its executor was released."""
        reusable = _tidy_connections()
        with self._lock:
            surplus = self._total > self._size and not self._queue
            if ends := not reusable or surplus or self._closed:
                self._total -= 1
            else:
                self._free.append(thread)
            if not self._closed:
                self._serve_queue()
        if ends:
            connections.close_all()
            thread.shutdown(wait=False)

    async def aclose(self) -> None:
        """Close the database connections of free threads, and those of others when they are
        released. Handlers that are still running can make no other sync call."""
        with self._lock:
            self._closed = True
            threads, self._free = self._free, []
            for executor in list(self._queue):
                self._leave_queue(executor, Overloaded("this worker has ended"))
        closing = [asyncio.wrap_future(each.submit(connections.close_all)) for each in threads]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_TIMEOUT)
        for thread in threads:
            thread.shutdown(wait=False)


def _context_of(executor: HandlerExecutor) -> ThreadSensitiveContext:
    context = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[context] = executor
    return context


def _tidy_connections() -> bool:
    """Close what Django closes after a request; False if a transaction is left open."""
    try:
        close_old_connections()
    except Exception:
        logger.exception("a database connection could not be closed")
        return False
    return not _in_transaction()


def _in_transaction() -> bool:
    known = connections.all(initialized_only=True)
    return any(each.in_atomic_block or is_manual(each) for each in known)


def _sync_code_waits() -> bool:
    """Whether ``async_to_sync`` made the running loop, so that sync code runs in its thread."""
    return asyncio.get_running_loop() in AsyncToSync.loop_thread_executors


def has_own_thread() -> bool:
    """Whether the running code has a thread for its sync calls, and may be in its transaction.

    Raises RuntimeError outside of an event loop.
    """
    if getattr(AsyncToSync.executors, "current", None):
        return True  # it was called from sync code, which waits in its thread
    if _sync_code_waits():
        return True
    context = SyncToAsync.thread_sensitive_context.get(cast(ThreadSensitiveContext, None))
    executor = SyncToAsync.context_to_thread_executor.get(context) if context else None
    return (
        executor.in_transaction if isinstance(executor, HandlerExecutor) else executor is not None
    )
