"""One event loop per process for its sync code, in a thread of its own.

Views under WSGI, the shell, commands and task queues have no running loop; a loop per call
would mean a new connection per call.
"""

import asyncio
import atexit
import multiprocessing
import multiprocessing.util
import threading

from realtime.common.green_threads import new_event_loop, start_thread
from realtime.common.platforms import reset_in_children

# At the end of the process, seconds for what still runs, and for the thread.
FINISH_TIMEOUT, STOP_TIMEOUT = 0.5, 1.5


class _LoopThread:
    """A thread that runs a loop until ``stop()``."""

    def __init__(self) -> None:
        self.loop = new_event_loop()
        self._stopping = asyncio.Event()
        self._join = start_thread(self._run, "realtime-background")

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        await self._stopping.wait()
        if unfinished := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(unfinished, timeout=FINISH_TIMEOUT)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stopping.set)
        self._join(STOP_TIMEOUT)


class BackgroundLoop:
    """Makes the loop at first use, again after a fork, and stops it with the process."""

    def __init__(self) -> None:
        self._reset()
        reset_in_children(self._reset)
        atexit.register(self.stop)

    def _reset(self) -> None:
        # A fork copies the loop without its thread, and the lock in the state it had.
        self._lock = threading.Lock()
        self._thread: _LoopThread | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop; give it work with ``asyncio.run_coroutine_threadsafe``."""
        with self._lock:
            if self._thread is None:
                self._thread = _LoopThread()
                self._stop_with_child()
            return self._thread.loop

    def _stop_with_child(self) -> None:
        """``multiprocessing`` children exit without running ``atexit`` functions."""
        if multiprocessing.parent_process() is not None:
            multiprocessing.util.Finalize(None, self.stop, exitpriority=0)

    def stop(self) -> None:
        """Give running tasks FINISH_TIMEOUT seconds, then end the thread. The next use makes a
        new one."""
        with self._lock:
            ending, self._thread = self._thread, None
        if ending is not None:
            ending.stop()


background = BackgroundLoop()
