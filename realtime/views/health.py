"""What the registry looks like, for health checks and the admin."""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from msgspec.structs import asdict

from realtime import composition
from realtime.common.threads import Overloaded, aside
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Stats
from realtime.worker import runtime
from realtime.worker.admission import refusals
from realtime.worker.admission.refusals import Refusals

logger = logging.getLogger("realtime.worker")

TIMEOUT = 1.5  # seconds; a health check is to answer within two, whatever the store does
FRESH = 1.0  # seconds during which counts are not asked for again


@dataclass(slots=True)
class _Counts:
    stats: Stats
    at: float


_last = _Counts(Stats(0, 0, 0, 0, 0, 0, 0, 0, 0), at=float("-inf"))


async def counts() -> tuple[Stats, bool]:
    """The registry's counts, and whether they are fresh; the last known if the store hangs."""
    if time.monotonic() - _last.at < FRESH:
        return _last.stats, True
    try:
        async with asyncio.timeout(TIMEOUT):
            _last.stats = await _ask()
    except (StoreUnavailable, TimeoutError, Overloaded):
        return _last.stats, False
    except Exception:  # a defect, such as tables that are not there; this page is always 200
        logger.exception("the registry's counts could not be read")
        return _last.stats, False
    _last.at = time.monotonic()
    return _last.stats, True


async def _ask() -> Stats:
    if worker := runtime.here():
        return await worker.store.stats()
    return await aside(composition.blocking_store().stats)


async def health() -> dict[str, Any]:
    """The body of ``/realtime/health/``; ``docs/operations.md`` explains the fields."""
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
    workers = runtime.running()
    if any(worker.draining for worker in workers):
        return "draining"
    return "ok" if fresh and not _failing() else "degraded"


def _refused() -> dict[str, int]:
    """How many connections this process has refused in the last minute, by reason."""
    known = {id(each): each for each in [refusals.here(), *_refusals()]}
    sums: Counter[str] = Counter()
    for each in known.values():
        sums.update(each.recent)
    return dict(sums)


def _refusals() -> list[Refusals]:
    return [worker.refusals for worker in runtime.running()]


def _failing() -> dict[str, str]:
    """What newcomers would be refused for now, with the words of its cause."""
    found: dict[str, str] = {}
    for worker in runtime.running():
        found |= worker.failing
    return found
