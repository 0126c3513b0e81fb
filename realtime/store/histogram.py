"""Percentiles of many latencies from a few counters that can be added up over workers.

Buckets grow by a constant factor, so the relative error is the same for 2 ms and for
2 s: 0.5 ms to 60 s in 128 buckets is a factor of 1.096, and a bucket's geometric middle
is at most 4.8 % away from whatever was counted in it. What lies outside is counted in
the first or the last bucket.
"""

import math
from collections.abc import Iterable

LOWEST_MS = 0.5
HIGHEST_MS = 60_000.0
BUCKETS = 128
GROWTH = (HIGHEST_MS / LOWEST_MS) ** (1 / (BUCKETS - 1))
RELATIVE_ERROR = math.sqrt(GROWTH) - 1

_LOG_GROWTH = math.log(GROWTH)

# What travels: (bucket, how many), the empty ones left out, in the order of the buckets.
Sparse = tuple[tuple[int, int], ...]


class LatencyHistogram:
    """How many sessions have a latency of about so much. Every change is O(1)."""

    __slots__ = ("_counts",)

    def __init__(self, sparse: Iterable[Iterable[int]] = ()) -> None:
        self._counts = [0] * BUCKETS
        self.merge(sparse)

    def add(self, ms: float | None) -> None:
        """Count a latency; None, one not yet measured, is no latency."""
        if ms is not None:
            self._counts[bucket_of(ms)] += 1

    def remove(self, ms: float | None) -> None:
        """Take back what was added."""
        if ms is not None:
            self._counts[bucket_of(ms)] -= 1

    def replace(self, old_ms: float | None, new_ms: float | None) -> None:
        """A session's latency has changed."""
        self.remove(old_ms)
        self.add(new_ms)

    def merge(self, sparse: Iterable[Iterable[int]]) -> None:
        """Add the counts of another one, as :meth:`sparse` or its JSON gave them."""
        for bucket, count in sparse:
            self._counts[bucket] += count

    def sparse(self) -> Sparse:
        """The counts that are not 0: what a report carries, and JSON."""
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
    """What stands for everything in this bucket, in ms."""
    return round(LOWEST_MS * GROWTH ** (bucket - 0.5), 2) if bucket else LOWEST_MS
