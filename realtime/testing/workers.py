"""The end of what a test has started."""

from realtime.common.threads import close_process_threads
from realtime.worker import instances


async def stop_worker() -> None:
    """Stop the event loop's worker, if there is one, and close the database connections of all
    threads of this package, so that the test database can be dropped."""
    if worker := instances.current():
        await worker.stop()
    await close_process_threads()
