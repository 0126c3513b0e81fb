"""The body of the health view: counts of the store, state of this process's workers."""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from msgspec.structs import asdict

from realtime import composition
from realtime.common.threads import Overloaded, run_for_page
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Stats
from realtime.worker import instances
from realtime.worker.admission import refusals

logger = logging.getLogger("realtime.worker")

TIMEOUT = 1.5  # seconds for the store; the health view answers within two, even if the store hangs
MAX_AGE = 1.0  # seconds for which counts are reused


@dataclass(slots=True)
class _Counts:
    stats: Stats
    at: float


_last = _Counts(Stats(0, 0, 0, 0, 0, 0, 0, 0, 0), at=float("-inf"))


async def counts() -> tuple[Stats, bool]:
    """The store's counts and whether they are fresh; the last known ones if it fails or hangs."""
    if time.monotonic() - _last.at < MAX_AGE:
        return _last.stats, True
    try:
        async with asyncio.timeout(TIMEOUT):
            _last.stats = await _read_stats()
    except (StoreUnavailable, TimeoutError, Overloaded):
        return _last.stats, False
    except Exception:  # a defect; the view always answers 200
        logger.exception("the registry's counts could not be read")
        return _last.stats, False
    _last.at = time.monotonic()
    return _last.stats, True


async def _read_stats() -> Stats:
    if worker := instances.current():
        return await worker.store.stats()
    return await run_for_page(composition.blocking_store().stats)


async def health_body() -> dict[str, Any]:
    """The body; ``docs/operations.md`` explains the fields."""
    stats, fresh = await counts()
    return {
        "status": _status(fresh),
        "total_connections": stats.connected,
        "total_users": stats.users,
        "healthy": stats.healthy,
        "unhealthy": stats.unhealthy,
        "suspended": stats.suspended,
        "workers": stats.workers,
        "totals": _totals(stats),
        "refused": _refused(),
        "failing": _failing(),
        "last_sweep": asdict(stats.last_sweep) if stats.last_sweep else None,
    }


def _totals(stats: Stats) -> dict[str, int]:
    pings = {"pings": stats.pings, "pongs": stats.pongs, "timeouts": stats.timeouts}
    return {**pings, **asdict(stats.deliveries)}


def _status(fresh: bool) -> str:
    workers = instances.running()
    if any(worker.draining for worker in workers):
        return "draining"
    return "ok" if fresh and not _failing() else "degraded"


def _refused() -> dict[str, int]:
    """Connections refused by this process in the last minute, by reason."""
    counters = [refusals.current(), *(worker.refusals for worker in instances.running())]
    sums: Counter[str] = Counter()
    for each in {id(each): each for each in counters}.values():  # they may share one
        sums.update(each.recent)
    return dict(sums)


def _failing() -> dict[str, str]:
    """Reasons for which new connections are refused now, each with its cause in words."""
    found: dict[str, str] = {}
    for worker in instances.running():
        found |= worker.failing
    return found
