"""Percentiles of many latencies from a few counters that can be added up over workers.

Buckets grow by a constant factor, so the relative error is the same for 2 ms and for 2 s: 0.5 ms to
60 s in 128 buckets is a factor of 1.096, and a bucket's geometric middle is at most 4.8 % away from
any latency counted in it. Latencies outside are counted in the first or the last bucket.
"""

import math
from collections.abc import Iterable

LOWEST_MS = 0.5
HIGHEST_MS = 60_000.0
BUCKETS = 128
GROWTH = (HIGHEST_MS / LOWEST_MS) ** (1 / (BUCKETS - 1))
RELATIVE_ERROR = math.sqrt(GROWTH) - 1

_LOG_GROWTH = math.log(GROWTH)

# The serialized form: (bucket, count) of the non-empty buckets, in order.
Sparse = tuple[tuple[int, int], ...]


class LatencyHistogram:
    """Counts sessions by their latency. Every change is O(1)."""

    __slots__ = ("_counts",)

    def __init__(self, sparse: Iterable[Iterable[int]] = ()) -> None:
        self._counts = [0] * BUCKETS
        self.merge(sparse)

    def add(self, ms: float | None) -> None:
        """Count a latency; None (not measured yet) is not counted."""
        if ms is not None:
            self._counts[bucket_of(ms)] += 1

    def remove(self, ms: float | None) -> None:
        """Undo :meth:`add`."""
        if ms is not None:
            self._counts[bucket_of(ms)] -= 1

    def replace(self, old_ms: float | None, new_ms: float | None) -> None:
        """Count a session's new latency in place of the old one."""
        self.remove(old_ms)
        self.add(new_ms)

    def merge(self, sparse: Iterable[Iterable[int]]) -> None:
        """Add the counts of another histogram, from :meth:`sparse` or its JSON."""
        for bucket, count in sparse:
            self._counts[bucket] += count

    def sparse(self) -> Sparse:
        """The counts that are not 0, for a report or JSON."""
        return tuple((bucket, count) for bucket, count in enumerate(self._counts) if count)

    def percentile(self, percent: float) -> float | None:
        """The latency in ms that ``percent`` (above 0, at most 100) of all do not exceed.

        By nearest rank, within RELATIVE_ERROR; None without data.
        """
        rank = math.ceil(sum(self._counts) * percent / 100)
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= rank:
                return middle_of(bucket)
        return None


def merged_percentiles(
    sparses: Iterable[Iterable[Iterable[int]]],
) -> tuple[float | None, float | None]:
    """The median and the 95th percentile over all of these, in ms."""
    merged = LatencyHistogram()
    for sparse in sparses:
        merged.merge(sparse)
    return merged.percentile(50), merged.percentile(95)


def bucket_of(ms: float) -> int:
    """The bucket that counts this latency."""
    if ms <= LOWEST_MS:
        return 0
    return min(math.ceil(math.log(ms / LOWEST_MS) / _LOG_GROWTH), BUCKETS - 1)


def middle_of(bucket: int) -> float:
    """The latency that represents this bucket, in ms: RELATIVE_ERROR below its highest one."""
    return round(LOWEST_MS * GROWTH**bucket / (1 + RELATIVE_ERROR), 2) if bucket else LOWEST_MS
