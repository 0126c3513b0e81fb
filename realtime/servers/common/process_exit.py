"""The last resort at the end of a program."""

import os
import sys
import threading


def exit_within(seconds: float, *, code: int = 0) -> None:
    """End the process with this status after ``seconds`` if it still runs then.

    The interpreter waits for its threads at exit, and a busy one cannot be stopped.
    """
    timer = threading.Timer(seconds, _exit, args=[code])
    timer.daemon = True
    timer.start()


def _exit(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
