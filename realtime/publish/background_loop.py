"""One event loop for all sync callers of a process, in a thread of its own.

For views under WSGI, the shell, commands and task queues, where no loop runs and one
for each call would mean a new connection for each call.
"""

import asyncio
import atexit
import multiprocessing
import multiprocessing.util
import os
import threading

from realtime.common.green_threads import new_event_loop, start_thread

# At the end of the process, in seconds: for what still runs, and for the thread.
FINISH_PATIENCE, STOP_PATIENCE = 0.5, 1.5


class _LoopThread:
    """A thread that runs a loop until it is stopped."""

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
            await asyncio.wait(unfinished, timeout=FINISH_PATIENCE)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stopping.set)
        self._join(STOP_PATIENCE)


class Background:
    """The loop that runs in the background; made at first use."""

    def __init__(self) -> None:
        self._begin_anew()
        os.register_at_fork(after_in_child=self._begin_anew)
        atexit.register(self.stop)

    def _begin_anew(self) -> None:
        # A fork copies the loop but not its thread, and the lock as it was held.
        self._lock = threading.Lock()
        self._thread: _LoopThread | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop; give it work with ``asyncio.run_coroutine_threadsafe``."""
        with self._lock:
            if self._thread is None:
                self._thread = _LoopThread()
                self._stop_with_child()
            return self._thread.loop

    def _stop_with_child(self) -> None:
        """Children of ``multiprocessing`` end without what ``atexit`` has been told."""
        if multiprocessing.parent_process() is not None:
            multiprocessing.util.Finalize(None, self.stop, exitpriority=0)

    def stop(self) -> None:
        """Let what runs there finish, but not for long, and end the thread. The next use
        makes another."""
        with self._lock:
            ending, self._thread = self._thread, None
        if ending is not None:
            ending.stop()


background = Background()
