"""The durations that a store itself applies."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In milliseconds: a worker's lease, the resume window of a suspended session, the silence
    after which a connected session is dead, and a sweep's claim on a closing one."""

    lease_ms: int
    resume_ms: int
    session_ms: int
    claim_ms: int

    def latest_plausible(self, now: int) -> int:
        """The latest plausible time. A later one was written by a clock that was set back since,
        and what began then is over. A smaller step back changes nothing."""
        return now + self.lease_ms

    def silence_deadline(self, last_beat: int) -> int:
        """Until when a session that beat then counts as connected."""
        return last_beat + self.session_ms + self.lease_ms
