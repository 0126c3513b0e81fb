"""The histogram of latencies: bounds, error, and sums over workers."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.store.histogram import (
    BUCKETS,
    GROWTH,
    HIGHEST_MS,
    LOWEST_MS,
    RELATIVE_ERROR,
    LatencyHistogram,
    bucket_of,
)

latencies = st.floats(min_value=LOWEST_MS, max_value=HIGHEST_MS)


def histogram(*latencies_ms: float | None) -> LatencyHistogram:
    built = LatencyHistogram()
    for ms in latencies_ms:
        built.add(ms)
    return built


def nearest_rank(values: list[float], percent: float) -> float:
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


def test_the_buckets_match_the_documentation() -> None:
    assert (bucket_of(LOWEST_MS), bucket_of(HIGHEST_MS)) == (0, BUCKETS - 1)
    assert GROWTH < 1.1
    assert RELATIVE_ERROR < 0.05


@pytest.mark.parametrize(("ms", "bucket"), [(0.0, 0), (0.01, 0), (0.51, 1), (1e9, BUCKETS - 1)])
def test_latencies_outside_count_in_the_edge_buckets(ms: float, bucket: int) -> None:
    assert bucket_of(ms) == bucket


def test_without_data_there_is_no_percentile() -> None:
    assert LatencyHistogram().percentile(50) is None
    assert histogram(None).percentile(95) is None


@given(st.lists(latencies, min_size=1, max_size=50), st.sampled_from([1.0, 50.0, 95.0, 100.0]))
def test_a_percentile_is_within_the_stated_error(values: list[float], percent: float) -> None:
    estimate = histogram(*values).percentile(percent)
    assert estimate is not None
    # Rounded to 0.01 ms, which shows below 1 ms.
    assert abs(estimate - nearest_rank(values, percent)) <= (
        RELATIVE_ERROR * nearest_rank(values, percent) + 0.006
    )


@given(st.lists(st.none() | latencies), st.lists(st.none() | latencies))
def test_a_removed_latency_leaves_no_count(
    stay: list[float | None], leave: list[float | None]
) -> None:
    both = histogram(*stay, *leave)
    for ms in leave:
        both.remove(ms)
    assert both.sparse() == histogram(*stay).sparse()


def test_a_replaced_latency_is_counted_once() -> None:
    changed = histogram(None, 5.0)
    changed.replace(None, 10.0)
    changed.replace(5.0, 500.0)
    assert changed.sparse() == histogram(10.0, 500.0).sparse()


@given(st.lists(latencies), st.lists(latencies))
def test_two_workers_add_up(one: list[float], two: list[float]) -> None:
    merged = LatencyHistogram(json.loads(json.dumps(histogram(*one).sparse())))
    merged.merge(histogram(*two).sparse())
    assert merged.sparse() == histogram(*one, *two).sparse()


def test_the_sparse_form_is_small() -> None:
    assert histogram(*[20.0] * 10_000).sparse() == ((bucket_of(20.0), 10_000),)
