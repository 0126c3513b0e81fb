"""Forks, and signals in event loops, on systems with and without them."""

import asyncio
import os
import signal
from collections.abc import Callable


def reset_in_children(reset: Callable[[], object]) -> None:
    """Call ``reset()`` in each process that is forked from this one."""
    if hasattr(os, "register_at_fork"):  # Windows forks no process
        os.register_at_fork(after_in_child=reset)


def on_stop_signal(call: Callable[[], object]) -> None:
    """Call ``call()`` in the running loop at SIGTERM and at SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, call)
        except NotImplementedError:  # by the loops of Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(call))
