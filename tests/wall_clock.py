"""A wall clock that a test sets while the processes that read it go on."""

from dataclasses import dataclass
from pathlib import Path

HOUR = 3600


@dataclass(frozen=True, slots=True)
class WallClock:
    """The wall clock of the processes that start with ``env``; their monotonic clock is right.

    ``file`` holds how far it is ahead of the machine's clock.
    """

    file: Path

    def __post_init__(self) -> None:
        self.set(0)

    @property
    def env(self) -> dict[str, str]:
        """Environment of a process on this clock. libfaketime reads the file at every call.

        The C library comes second so that its malloc is taken: jemalloc, which Redis brings,
        reads a clock before libfaketime can answer, and Redis does not start.
        """
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        return {
            "LD_PRELOAD": f"{library} libc.so.6",
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set(self, seconds: int) -> None:
        """Put the clock so many seconds ahead of the machine's, or behind it if negative."""
        # A rename, so that no process reads half a number.
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.replace(self.file)
