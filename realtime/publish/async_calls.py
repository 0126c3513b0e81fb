"""Where the async twins of the api run: in a worker natively, elsewhere in threads."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from asgiref.sync import sync_to_async

from realtime.common.handler_threads import has_own_thread
from realtime.common.threads import Overloaded, apart
from realtime.store.contract import AtCapacity
from realtime.worker import runtime
from realtime.worker.runtime import Runtime

T = TypeVar("T")


async def answer(native: Callable[[Runtime], Awaitable[T]], sync: Callable[[], T]) -> T:
    """The answer of the same question in either way.

    Code that has a thread, with a transaction open in it, asks there: what it asks for is part
    of that. Else a worker is asked in its loop, and elsewhere a thread that nobody waits for:
    not asgiref's one of the process, where other code may take its time.
    """
    if has_own_thread():
        return await sync_to_async(sync)()
    if worker := runtime.here():
        return await native(worker)
    try:
        return await apart(sync)
    except Overloaded:
        raise AtCapacity("too many calls are waiting in this process") from None
