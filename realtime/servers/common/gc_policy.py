"""When the garbage collector makes a full collection.

By default Python makes one whenever a quarter more objects have gathered: ten times and more
while many clients connect, the last for longer than a second, during which the event loop stands
still and every beat is late. Nearly all it visits are connections, which are no garbage.
"""

import gc
import logging
import sys
import time
from collections.abc import Callable

logger = logging.getLogger("realtime.servers.collector")

# Thresholds of an application that has not chosen its own. Python 3.14 is not among them: it
# makes full collections in small parts.
DEFAULT_THRESHOLDS = frozenset({(700, 10, 10), (2000, 10, 10)})
NEVER = 2**31 - 1

# Blocks of memory, of 80 bytes each on average.
SPARE = 200_000  # may gather before the first full collection, which then takes 0.1 s
BLOCKS_PER_CONNECTION = 600  # more than twice the 230 that one connection has
DECAY = 0.95  # per second, of the number of connections: their garbage goes by and by


class GCPolicy:
    """Makes full collections rare: one comes when about as much has gathered as the connections
    weigh, so that cycles of the application double the memory at most.

    The collections of young objects stay Python's own. An application that has changed the
    thresholds or disabled the collector keeps its choice. ``blocks()`` counts allocated blocks.
    """

    def __init__(self, blocks: Callable[[], int] = sys.getallocatedblocks) -> None:
        self._blocks = blocks
        self._started = False
        self._connections = 0.0  # now, or lately
        self._base = 0  # blocks before the first connection
        self._left = 0  # blocks beyond these, after the last full collection

    def start(self) -> None:
        """Take over once everything is imported; imported objects are never visited again."""
        found = gc.get_threshold()
        counted = self._blocks() > 0  # 0 with PYTHONMALLOC=malloc
        if found not in DEFAULT_THRESHOLDS or not gc.isenabled() or not counted:
            return
        self._started = True
        gc.collect()
        gc.freeze()
        gc.set_threshold(*found[:2], NEVER)
        self._base, self._left = self._blocks(), 0

    def check(self, connections: int) -> None:
        """Collect if more has gathered than these connections account for. Call once a second."""
        if not self._started:
            return
        self._connections = max(connections, DECAY * self._connections)
        gathered = max(0, self._blocks() - self._base)
        self._left = min(self._left, gathered)  # freed blocks do not raise the threshold
        if gathered > SPARE + max(BLOCKS_PER_CONNECTION * self._connections, 2 * self._left):
            self._collect()

    def _collect(self) -> None:
        began = time.perf_counter()
        found = gc.collect()
        self._left = max(0, self._blocks() - self._base)
        took = time.perf_counter() - began
        logger.info("a full garbage collection found %d objects in %.2f s", found, took)
