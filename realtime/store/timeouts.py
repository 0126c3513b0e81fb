"""The durations that a store itself applies."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long what is silent is believed, in milliseconds."""

    lease_ms: int
    resume_ms: int
    session_ms: int
    claim_ms: int

    def believed(self, now: int) -> int:
        """The latest time that can be: a later one was told by a clock that has been set back
        since, and what began then is over. A smaller step changes nothing."""
        return now + self.lease_ms

    def silence(self, now: int) -> int:
        """Until when a session that beats now is believed to be connected."""
        return now + self.session_ms + self.lease_ms
