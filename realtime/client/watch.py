"""Decides whether a connection is alive: lost after ping_interval + pong_timeout of silence.

A process may stand still (a blocked event loop, a suspended machine). A timer that comes late by
more than the tolerance therefore declares nothing lost: it excuses the standstill once, and asks
the server with a ping. Frames that arrived meanwhile are read before the answer is due.
"""

from realtime.protocol.heartbeat import Dead, Heartbeat, Policy, SendPing

CHECK = 5.0  # seconds between two looks at the clock, so that a standstill is seen
PROBE = 2.0  # for the answer to the ping after a standstill
LATE = 1.5


class LineWatch:
    """The watch over one connection. ``now`` is in seconds of a clock that counts sleep."""

    def __init__(self, *, ping_interval: float, pong_timeout: float, now: float) -> None:
        half = pong_timeout / 2
        policy = Policy(ping_interval + half, half, max_missed=1, idle_only=True)
        self._heartbeat = Heartbeat(policy, now)
        self._tolerance = min(LATE, half)
        self._excused = False
        self._last_frame = now
        self._set_at = self._due = now

    def on_frame(self, now: float) -> None:
        """A frame of any kind has arrived."""
        self._last_frame = now
        self._excused = False
        self._heartbeat.traffic(now)

    def wait(self, now: float) -> float:
        """Return the seconds until the next :meth:`tick`."""
        wait = max(0.0, min(CHECK, self._heartbeat.due - now))
        self._set_at, self._due = now, now + wait
        return wait

    def tick(self, now: float) -> SendPing | Dead | None:
        """Return what is due: a ping, the end of the connection, or nothing."""
        late = now - self._due > self._tolerance
        if late and not self._excused and self._last_frame < self._due:
            self._excused = True
            self._heartbeat.excuse(now - self._set_at)
            return self._heartbeat.probe(now, within=PROBE)
        self._excused = self._excused and late
        return self._heartbeat.tick(now)
