"""Which core is whose: servers on one, the load generator on the others."""

import contextlib
import os
from collections.abc import Iterator

Cores = frozenset[int]


def shares(cores: Cores) -> tuple[Cores, Cores]:
    """The servers' core and the load generator's; a machine with one core has them share it."""
    first, *others = sorted(cores)
    return frozenset({first}), frozenset(others or {first})


SERVERS, LOAD = shares(frozenset(os.sched_getaffinity(0)))


@contextlib.contextmanager
def pinned(cores: Cores) -> Iterator[None]:
    """Threads and processes started meanwhile run on these cores, all their life."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
