"""When the garbage collector looks at everything there is.

By itself Python does so whenever a quarter more has gathered: ten times and more while a crowd
arrives, at the end for longer than a second, during which nothing else happens and every beat is
late. Nearly all that it looks at are the connections, which are no garbage.
"""

import gc
import logging
import sys
import time
from collections.abc import Callable

logger = logging.getLogger("realtime.servers.collector")

# Of an application that has made no choice of its own. Python 3.14 is not among them: its full
# collections come in small parts.
PYTHONS_OWN = frozenset({(700, 10, 10), (2000, 10, 10)})
NEVER = 2**31 - 1

# Blocks of memory, of 80 bytes each on average.
SPARE = 200_000  # may gather before anything is looked at: that takes a tenth of a second
A_CONNECTION = 600  # more than twice what one has: 230
FADING = 0.95  # of those that were there a second ago: what has ended goes by and by


class GCPolicy:
    """Makes full collections rare: one comes when about as much has gathered as the connections
    weigh, so that cycles of an application's may double the memory at most.

    The short collections, of what is young, are Python's as ever. An application that has
    changed their thresholds, or switched them off, has its own idea: it is left alone.
    """

    def __init__(self, blocks: Callable[[], int] = sys.getallocatedblocks) -> None:
        self._blocks = blocks
        self._started = False
        self._connections = 0.0  # now, or lately
        self._base = 0  # blocks that were there before the first connection
        self._left = 0  # blocks beyond these, after the last full collection

    def start(self) -> None:
        """Take over, once everything is imported: that is never looked at again."""
        found = gc.get_threshold()
        counted = self._blocks() > 0  # not with PYTHONMALLOC=malloc
        if found not in PYTHONS_OWN or not gc.isenabled() or not counted:
            return
        self._started = True
        gc.collect()
        gc.freeze()
        gc.set_threshold(*found[:2], NEVER)
        self._base, self._left = self._blocks(), 0

    def check(self, connections: int) -> None:
        """Collect, if as much has gathered as these connections account for; once a second."""
        if not self._started:
            return
        self._connections = max(connections, FADING * self._connections)
        gathered = max(0, self._blocks() - self._base)
        self._left = min(self._left, gathered)  # what has been freed is not to be made up for
        if gathered > SPARE + max(A_CONNECTION * self._connections, 2 * self._left):
            self._collect()

    def _collect(self) -> None:
        began = time.perf_counter()
        found = gc.collect()
        self._left = max(0, self._blocks() - self._base)
        took = time.perf_counter() - began
        logger.info("a full garbage collection found %d objects in %.2f s", found, took)
