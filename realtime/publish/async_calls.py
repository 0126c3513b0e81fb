"""Where the async functions of the API run: in a worker's loop, or in threads."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from asgiref.sync import sync_to_async

from realtime.common.handler_threads import has_own_thread
from realtime.common.threads import Overloaded, run_api_call
from realtime.store.contract import AtCapacity
from realtime.worker import instances
from realtime.worker.runtime import Runtime

T = TypeVar("T")


async def call_async(native: Callable[[Runtime], Awaitable[T]], sync: Callable[[], T]) -> T:
    """Make a call whose two forms, ``native(worker)`` and ``sync()``, do the same.

    Code with a thread of its own may have a transaction open in it, so the call joins it there.
    Otherwise it runs in the loop's worker; without one, in a thread of this package, not in
    asgiref's single thread per process, which other code may block. Raises AtCapacity if too
    many calls wait for such a thread, and what the call raises.
    """
    if has_own_thread():
        return await sync_to_async(sync)()
    if worker := instances.current():
        return await native(worker)
    try:
        return await run_api_call(sync)
    except Overloaded:
        raise AtCapacity("too many calls are waiting in this process") from None
