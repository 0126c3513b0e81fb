"""For the tests of projects."""

from realtime.worker import instances

__all__ = ["stop_worker"]


async def stop_worker() -> None:
    """Stop the worker of the running event loop, if one was started: a test that has opened
    connections calls it at its end."""
    if worker := instances.current():
        await worker.stop()
