"""Asgiref's choice of a thread for sync code, which ``HandlerThreads`` makes.

From 3.13 on ``ThreadSensitiveContext(executor=...)`` is a documented way. It refuses the sync calls
of tasks that outlive the context; those of ``HandlerThreads`` get a thread.
"""

from contextvars import ContextVar

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext

from .expectations import attributes, check

USED_IN = "common/handler_threads.py"


def test_the_names_of_the_thread_look_up() -> None:
    expected = [
        *attributes(SyncToAsync, "thread_sensitive_context context_to_thread_executor"),
        *attributes(AsyncToSync, "executors loop_thread_executors"),
    ]
    check("asgiref", expected, used_in=USED_IN)


def test_their_kinds() -> None:
    context = ThreadSensitiveContext()
    assert isinstance(SyncToAsync.thread_sensitive_context, ContextVar)
    assert context not in SyncToAsync.context_to_thread_executor
    assert AsyncToSync.loop_thread_executors.get(None) is None  # type: ignore[call-overload]
    assert getattr(AsyncToSync.executors, "current", None) is None
