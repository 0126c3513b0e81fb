"""A token bucket: a steady rate with bursts, for one connection's frames and their bytes."""


class TokenBucket:
    """Holds at most ``burst`` tokens and gains ``rate`` a second; starts full. ``now`` is in
    seconds of any monotonic clock, here and below."""

    __slots__ = ("_burst", "_rate", "_since", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._since = now

    def take(self, now: float, *, tokens: float = 1) -> bool:
        """Take this many tokens and return True, or take none and return False."""
        gained = (now - self._since) * self._rate
        self._tokens = min(self._burst, self._tokens + gained)
        self._since = now
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True

    def refund(self) -> None:
        """Put one token back; :meth:`take` keeps no more than a burst."""
        self._tokens += 1
