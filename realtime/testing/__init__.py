"""For the tests of projects."""

from realtime.worker import instances


async def stop_worker() -> None:
    """Stop the event loop's worker, if there is one, at the end of a test with connections."""
    if worker := instances.current():
        await worker.stop()
