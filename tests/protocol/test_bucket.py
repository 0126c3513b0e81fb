"""The token bucket, with time as an argument."""

from realtime.protocol.bucket import TokenBucket


def taken(bucket: TokenBucket, times: int, now: float) -> int:
    return sum(bucket.take(now) for _ in range(times))


def test_a_bucket_starts_full() -> None:
    assert taken(TokenBucket(rate=10, burst=5, now=0), 10, now=0) == 5


def test_a_bucket_fills_at_its_rate() -> None:
    bucket = TokenBucket(rate=10, burst=5, now=0)
    taken(bucket, 5, now=0)
    assert taken(bucket, 5, now=0.25) == 2
    assert taken(bucket, 5, now=0.3125) == 1


def test_a_bucket_holds_at_most_a_burst() -> None:
    assert taken(TokenBucket(rate=10, burst=5, now=0), 10, now=1000) == 5


def test_an_empty_bucket_is_not_in_debt() -> None:
    bucket = TokenBucket(rate=1, burst=2, now=0)
    assert taken(bucket, 100, now=0) == 2
    assert taken(bucket, 100, now=1) == 1


def test_a_steady_client_at_the_rate_is_never_refused() -> None:
    bucket = TokenBucket(rate=4, burst=1, now=0)
    assert all(bucket.take(frame / 4) for frame in range(100))


def test_fractions_add_up() -> None:
    bucket = TokenBucket(rate=1, burst=1, now=0)
    assert bucket.take(0)
    assert [bucket.take(now) for now in (0.25, 0.5, 0.75, 1.0)] == [False, False, False, True]


def test_a_refund_returns_a_token() -> None:
    bucket = TokenBucket(rate=1, burst=2, now=0)
    for _ in range(10):
        assert bucket.take(0)
        bucket.refund()
    bucket.refund()
    assert taken(bucket, 100, now=0) == 2
    bucket.refund()
    assert taken(bucket, 100, now=0) == 1
