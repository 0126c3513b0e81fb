"""Threads that are lent to application code: each to one call of a handler at a time.

asgiref runs the sync code of everything that is no HTTP request in one thread of the process:
``sync_to_async``, ``database_sync_to_async`` and Django's asynchronous ORM. Here each call has
a thread-sensitive context of its own, whose executor is a :class:`HandlerThread`. It takes a
thread when the call first needs one, and keeps it until the call returns.
"""

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Token
from functools import partial
from typing import Any, ParamSpec, Self, TypeVar, cast

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext
from django.db import close_old_connections, connections

from .threads import CLOSE_PATIENCE, Overloaded
from .time_limit import current_time_limit
from .transactions import is_manual

logger = logging.getLogger("realtime.work")

P = ParamSpec("P")
T = TypeVar("T")

MAX_WAITING = 2000  # calls without a thread; beyond it they are refused


class _Call:
    """A sync call of a loan: runs once, unless it was cancelled before."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.future: Future[Any] = Future()
        self._call = call

    def run(self, ended: Callable[[], None]) -> None:
        """Run it in this thread; ``ended`` is called before its result is known."""
        if not self.future.set_running_or_notify_cancel():
            ended()
            return
        try:
            result = self._call()
        except BaseException as error:
            ended()
            self.future.set_exception(error)
        else:
            ended()
            self.future.set_result(result)


class HandlerThread(Executor):
    """The executor of one call of application code. All of its sync calls run in one thread,
    in order. After the end, tasks that the code has left behind borrow one for each sync call.
    """

    def __init__(self, lender: "HandlerThreads") -> None:
        self._lender = lender
        self._token: Token[ThreadSensitiveContext] | None = None
        self.thread: ThreadPoolExecutor | None = None
        self.waiting: list[_Call] = []  # for the thread
        self.unfinished = 0  # calls that the thread has been given
        self.ended = False
        self.in_transaction = False  # when its last call ended
        self.over: Callable[[], None] = _nothing  # called when it no longer waits for a thread

    def __enter__(self) -> Self:
        """The code that is awaited inside has it for all of its sync calls. Not in a loop that
        sync code waits for, as in a test of Django's: there they belong to that thread, and to
        the transaction that is open in it."""
        if not _sync_code_waits():
            self._token = SyncToAsync.thread_sensitive_context.set(_context_of(self))
        return self

    def __exit__(self, *_: object) -> None:
        if self._token:
            SyncToAsync.thread_sensitive_context.reset(self._token)
        self._lender.give_back(self)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Have a sync call run. Raises Overloaded if too many wait for a thread."""
        call = _Call(partial(fn, *args, **kwargs))
        self._lender.take(self, call)
        return call.future


def _nothing() -> None:
    """Nobody waits for it, or a thread is to begin."""


class HandlerThreads:
    """Lends threads: ``size`` of them, made when they are needed.

    A call whose sync code rests, because it awaits something else, keeps its thread but holds
    up nobody: others get more threads, up to ``MORE`` times ``size``. Who waits longer than
    ``patience`` seconds gets :class:`Overloaded`. Around every loan database connections are
    treated as Django does around a request, in the thread that used them.
    """

    MORE = 4

    def __init__(self, *, size: int, patience: float) -> None:
        self._size = size
        self._patience = patience
        self._lock = threading.RLock()
        self._free: list[ThreadPoolExecutor] = []
        self._total = self._resting = self._given_up = 0
        self._queue: OrderedDict[HandlerThread, None] = OrderedDict()
        self._closed = False
        self._nobodys = HandlerThread(self)
        self._nobodys.ended = True
        self._around = _context_of(self._nobodys)  # one for all connections

    def loan(self) -> HandlerThread:
        """To be entered around application code: its sync code has a thread of its own then."""
        return HandlerThread(self)

    @contextmanager
    def around(self) -> Iterator[None]:
        """Code inside borrows a thread for each of its sync calls, except where a loan does not."""
        if _sync_code_waits():
            yield
            return
        token = SyncToAsync.thread_sensitive_context.set(self._around)
        try:
            yield
        finally:
            SyncToAsync.thread_sensitive_context.reset(token)

    # ------------------------------------------------------------ lending

    def take(self, loan: HandlerThread, call: _Call) -> None:
        """Have a call run in the loan's thread, which it gets when there is one."""
        with self._lock:
            if loan.ended:
                loan = HandlerThread(self)
                call.future.add_done_callback(lambda _: self.give_back(loan))
            if loan.thread:
                self._resting -= not loan.unfinished
                self._run(loan, call)
            elif thread := None if loan in self._queue else self._find():
                self._lend(thread, loan)
                self._run(loan, call)
            else:
                self._wait(loan, call)

    def _find(self) -> ThreadPoolExecutor | None:
        if self._closed:
            raise RuntimeError("this worker has ended")
        if self._free:
            return self._free.pop()
        if self._total - self._resting < self._size and self._total < self._size * self.MORE:
            return self._make()
        return None

    def _make(self) -> ThreadPoolExecutor | None:
        thread = ThreadPoolExecutor(1, thread_name_prefix="realtime-handlers")
        try:
            thread.submit(_nothing)
        except RuntimeError:  # the system lets this process have no more threads
            return None
        self._total += 1
        return thread

    def _lend(self, thread: ThreadPoolExecutor, loan: HandlerThread) -> None:
        loan.thread = thread
        thread.submit(close_old_connections)

    def _run(self, loan: HandlerThread, call: _Call) -> None:
        assert loan.thread is not None
        loan.unfinished += 1
        loan.thread.submit(call.run, partial(self._ended, loan))

    def _ended(self, loan: HandlerThread) -> None:
        """In its thread: a call of this loan is over."""
        in_transaction = _in_transaction()
        with self._lock:
            loan.unfinished -= 1
            loan.in_transaction = in_transaction
            if not (loan.unfinished or loan.ended):
                self._resting += 1
                self._serve()

    # ------------------------------------------------------------ waiting

    def _wait(self, loan: HandlerThread, call: _Call) -> None:
        if loan not in self._queue:
            if len(self._queue) >= MAX_WAITING:
                raise Overloaded
            self._queue[loan] = None
            self._be_patient(loan)
        loan.waiting.append(call)

    def _be_patient(self, loan: HandlerThread) -> None:
        """In an event loop: no longer than it may, and at nobody's expense."""
        loop, patience = asyncio.get_running_loop(), current_time_limit()
        timer = loop.call_later(self._patience, self._give_up, loan)
        if patience:
            patience.pause()

        def over() -> None:
            timer.cancel()
            if patience:
                patience.resume()

        loan.over = lambda: _soon(loop, over)

    def _serve(self) -> None:
        """Lend to those who wait what there is."""
        while self._queue and (thread := self._find()):
            loan, _ = self._queue.popitem(last=False)
            self._lend(thread, loan)
            calls, loan.waiting = loan.waiting, []
            for call in calls:
                self._run(loan, call)
            loan.over()
        if not self._queue and self._given_up:
            logger.warning("handlers have threads again; %d calls were given up", self._given_up)
            self._given_up = 0

    def _give_up(self, loan: HandlerThread) -> None:
        with self._lock:
            if loan not in self._queue:
                return
            if not self._given_up:
                logger.error(
                    "all threads of the application's handlers have been busy for %g s",
                    self._patience,
                )
            self._given_up += 1
            self._leave_queue(loan, Overloaded("no thread was free in time"))

    def _leave_queue(self, loan: HandlerThread, error: Exception | None = None) -> None:
        del self._queue[loan]
        calls, loan.waiting = loan.waiting, []
        loan.over()
        for call in calls:
            if error and call.future.set_running_or_notify_cancel():
                call.future.set_exception(error)
            elif not error:
                call.future.cancel()

    # ------------------------------------------------------------ giving back

    def give_back(self, loan: HandlerThread) -> None:
        """The call has returned: its thread is free when what runs there has ended."""
        with self._lock:
            loan.ended = True
            if loan in self._queue:
                self._leave_queue(loan)
            elif loan.thread:
                self._resting -= not loan.unfinished
                loan.thread.submit(self._clean, loan.thread)

    def _clean(self, thread: ThreadPoolExecutor) -> None:
        """In this thread, after a loan."""
        spoilt = not _is_tidied()
        with self._lock:
            is_more = self._total > self._size and not self._queue
            if ends := spoilt or is_more or self._closed:
                self._total -= 1
            else:
                self._free.append(thread)
            if not self._closed:
                self._serve()
        if ends:
            connections.close_all()
            thread.shutdown(wait=False)

    async def aclose(self) -> None:
        """Close the free threads' database connections, and the others' when they are given
        back. Code that runs on may not begin another sync call."""
        with self._lock:
            self._closed = True
            threads, self._free = self._free, []
            for loan in list(self._queue):
                self._leave_queue(loan, Overloaded("this worker has ended"))
        closing = [asyncio.wrap_future(each.submit(connections.close_all)) for each in threads]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_PATIENCE)
        for thread in threads:
            thread.shutdown(wait=False)


def _context_of(loan: HandlerThread) -> ThreadSensitiveContext:
    context = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[context] = loan
    return context


def _is_tidied() -> bool:
    """Close what Django closes after a request; False if the next call must not have the rest."""
    try:
        close_old_connections()
    except Exception:
        logger.exception("a database connection could not be closed")
        return False
    return not _in_transaction()


def _in_transaction() -> bool:
    known = connections.all(initialized_only=True)
    return any(each.in_atomic_block or is_manual(each) for each in known)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)


def _sync_code_waits() -> bool:
    """Whether the running loop was made by ``async_to_sync``, in whose thread sync code runs."""
    return asyncio.get_running_loop() in AsyncToSync.loop_thread_executors


def has_own_thread() -> bool:
    """Whether the code that runs here has a thread at hand whose transactions it may be in.

    Raises RuntimeError outside of an event loop.
    """
    if getattr(AsyncToSync.executors, "current", None):
        return True  # it was called from sync code, which waits in its thread
    if _sync_code_waits():
        return True
    context = SyncToAsync.thread_sensitive_context.get(cast(ThreadSensitiveContext, None))
    executor = SyncToAsync.context_to_thread_executor.get(context) if context else None
    return executor.in_transaction if isinstance(executor, HandlerThread) else executor is not None
