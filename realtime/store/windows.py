"""The durations that a store itself applies."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Windows:
    """How long what is silent is believed, in milliseconds."""

    lease_ms: int
    resume_ms: int
    session_ms: int
    claim_ms: int

    def silence(self, now: int) -> int:
        """Until when a session that beats now is believed to be connected."""
        return now + self.session_ms + self.lease_ms
