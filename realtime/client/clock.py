"""A clock of elapsed time that goes on while the machine sleeps."""

import time

# Linux has a clock of its own for that. On macOS the clock of this name counts sleep, though
# time.monotonic() does not; on Windows that one does.
_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def elapsed() -> float:
    """Return seconds since an arbitrary moment, the machine's sleep included where the system
    offers such a clock. Setting the wall clock does not change it."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)
