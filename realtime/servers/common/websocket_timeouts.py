"""The deadlines of one WebSocket: its handshake, its pings, and its end."""

import asyncio
import os
import time

from .lifecycle import ServerLifecycle
from .receive_queue import ReceiveQueue
from .timer_wheel import NOW


class WebSocketTimeouts:
    """What a server's WebSocket protocol mixes in. All times are monotonic seconds.

    One ping at a time, and only a pong with its payload answers it. Both servers would
    send the next while one is pending, or drop a client that answers within the timeout.
    """

    serving: ServerLifecycle
    inbox: ReceiveQueue
    opened: float
    heard: float
    pinged: float | None
    ping_payload: bytes
    abort_call: asyncio.TimerHandle | None
    turn: int | None = None

    # What a protocol adds

    @property
    def open(self) -> bool:
        """Whether frames may be sent: after the handshake, before a close frame."""
        raise NotImplementedError

    @property
    def arriving(self) -> bool:
        """Whether its handshake is under way."""
        raise NotImplementedError

    def send_ping_frame(self, payload: bytes) -> None:
        """Send a ping frame."""
        raise NotImplementedError

    def refuse(self) -> None:
        """Turn a handshake that has no answer yet away: it is late, or a drain has begun."""
        raise NotImplementedError

    def finish(self) -> None:
        """Refuse, and close what the application has not closed."""
        raise NotImplementedError

    def abort(self) -> None:
        """Break the connection now."""
        raise NotImplementedError

    # What it gets

    def begin(self) -> None:
        """Start the clocks."""
        self.opened = self.heard = time.monotonic()
        self.pinged = None
        self.ping_payload = b""
        self.abort_call = None
        self.serving.rota.add(self)

    def alive(self) -> None:
        """Data has come, were it only a part of a frame: within a large one the client
        cannot answer a ping."""
        self.heard, self.pinged = time.monotonic(), None

    def answered(self, payload: bytes) -> None:
        """A pong has come."""
        if self.pinged is not None and payload == self.ping_payload:
            self.alive()

    @property
    def due(self) -> float:
        """When there may be something to do. A ping that is answered meanwhile is followed by
        the next one after ``ping_interval``, however long its own answer might have taken."""
        limits = self.serving.limits
        if not self.open:
            return NOW
        if self.pinged is not None:
            return self.pinged + min(limits.ping_timeout, limits.ping_interval)
        return self.heard + limits.ping_interval

    def check(self, now: float) -> None:
        """Ping, or give up. Raises nothing that is not a fault in here."""
        if self.open:
            self._check_ping(now)
        elif self.arriving and now - self.opened > self.serving.limits.handshake_timeout:
            self.refuse()

    def _check_ping(self, now: float) -> None:
        limits = self.serving.limits
        if self.pinged is not None:
            if now - self.pinged > limits.ping_timeout:
                self._unanswered(now)
        elif now - self.heard > limits.ping_interval:
            self.pinged, self.ping_payload = now, os.urandom(4)
            self.send_ping_frame(self.ping_payload)

    def _unanswered(self, now: float) -> None:
        if self.inbox.full:  # the answer may have come: it is we who do not read
            self.heard, self.pinged = now, None
        else:
            self.abort()

    def abort_later(self) -> None:
        """Break the connection if the peer takes longer than ``close_timeout`` to end it.

        Whoever has shut his window never will.
        """
        if self.abort_call is None:
            loop = asyncio.get_running_loop()
            self.abort_call = loop.call_later(self.serving.limits.close_timeout, self.abort)

    def gone(self) -> None:
        """The connection has ended: stop the clocks."""
        self.serving.rota.discard(self)
        if self.abort_call is not None:
            self.abort_call.cancel()
