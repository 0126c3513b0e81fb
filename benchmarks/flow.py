"""A steady flow of publications from a process beside the server, on its store.

python -m benchmarks.flow RATE SECONDS
"""

import sys
import time

import django

django.setup()

from benchmarks.dialects import ROOM, TEXT  # noqa: E402
from realtime import api  # noqa: E402

EVERY = 0.01  # seconds between two calls, as in peers/node/server.js


def main(rate: float, seconds: float) -> None:
    """Publish so many a second, for so long."""
    at_once = round(rate * EVERY)
    began = time.monotonic()
    for number in range(round(seconds / EVERY)):
        time.sleep(max(0.0, began + number * EVERY - time.monotonic()))
        first = 1 + number * at_once
        api.publish_many([(ROOM, {"n": n, "text": TEXT}) for n in range(first, first + at_once)])


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
