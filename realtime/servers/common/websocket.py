"""The shared half of both servers' WebSocket protocols: phases, pings, deadlines, the end."""

import asyncio
import os
import time
from abc import ABC, abstractmethod
from typing import Any

from .close_codes import GOING_AWAY, INTERNAL_ERROR, NORMAL, check_close_code
from .lifecycle import ServerLifecycle
from .raw_frames import RawFrameWriter
from .receive_queue import ReceiveQueue
from .timer_wheel import NOW
from .websocket_phase import ARRIVING, CONNECTING, OPEN, Phase, PhaseEvent, next_phase


class ServerWebSocket(ABC):
    """Mixed into a server's protocol class. All times are monotonic seconds.

    One ping at a time is under way, and only a pong with its payload answers it. Left alone,
    daphne and uvicorn send the next ping meanwhile, or drop a client that answers in time.
    """

    lifecycle: ServerLifecycle
    receive_queue: ReceiveQueue
    raw_frames: RawFrameWriter
    phase: Phase = CONNECTING
    connected_at: float
    received_at: float  # when data last came
    pinged_at: float | None = None
    ping_payload = b""
    abort_timer: asyncio.TimerHandle | None = None
    bucket: int | None = None

    # A protocol implements these

    @abstractmethod
    def send_ping_frame(self, payload: bytes) -> None: ...

    @abstractmethod
    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame if OPEN; abort if the peer does not answer in time."""

    @abstractmethod
    def deny(self, status: int) -> None:
        """Answer the handshake with an HTTP error."""

    @abstractmethod
    def abort(self) -> None: ...

    # Phases

    def transition(self, event: PhaseEvent) -> None:
        """Enter the next phase. Raises IllegalPhaseEvent."""
        self.phase = next_phase(self.phase, event)
        self.raw_frames.refresh()

    @property
    def open(self) -> bool:
        """Whether data frames may be sent."""
        return self.phase is OPEN

    @property
    def arriving(self) -> bool:
        return self.phase in ARRIVING

    # Deadlines

    def start_timeouts(self) -> None:
        """Call it when the transport is there."""
        self.connected_at = self.received_at = time.monotonic()
        self.lifecycle.timers.add(self)

    def stop_timeouts(self) -> None:
        """Call it when the transport is lost."""
        self.lifecycle.timers.discard(self)
        if self.abort_timer is not None:
            self.abort_timer.cancel()

    def touch(self) -> None:
        """Data has come, even if only a part of a frame: a client cannot answer a ping within
        a large frame."""
        self.received_at, self.pinged_at = time.monotonic(), None

    def pong_received(self, payload: bytes) -> None:
        """A pong has come; one that does not answer the ping under way is ignored."""
        if self.pinged_at is not None and payload == self.ping_payload:
            self.touch()

    @property
    def due(self) -> float:
        """For the timer wheel. With a ping under way this allows for an early answer, after
        which the next ping is due."""
        limits = self.lifecycle.limits
        if not self.open:
            return NOW
        if self.pinged_at is not None:
            return self.pinged_at + min(limits.ping_timeout, limits.ping_interval)
        return self.received_at + limits.ping_interval

    def check_deadlines(self, now: float) -> None:
        """Send a ping, or end a connection that is late."""
        if self.open:
            self._check_ping(now)
        elif self.arriving and now - self.connected_at > self.lifecycle.limits.handshake_timeout:
            self.refuse()

    def _check_ping(self, now: float) -> None:
        limits = self.lifecycle.limits
        if self.pinged_at is not None:
            if now - self.pinged_at > limits.ping_timeout:
                self._ping_timed_out(now)
        elif now - self.received_at > limits.ping_interval:
            self.pinged_at, self.ping_payload = now, os.urandom(4)
            self.send_ping_frame(self.ping_payload)

    def _ping_timed_out(self, now: float) -> None:
        if self.receive_queue.full:  # we have stopped reading, so the pong may wait unread
            self.received_at, self.pinged_at = now, None
        else:
            self.abort()

    def abort_after_close_timeout(self) -> None:
        """Abort if the peer does not end the connection within ``close_timeout``: a peer that
        does not read never will."""
        if self.abort_timer is None:
            loop = asyncio.get_running_loop()
            self.abort_timer = loop.call_later(self.lifecycle.limits.close_timeout, self.abort)

    # The end

    def refuse(self) -> None:
        """Deny a handshake without an answer: it is late, or a drain has begun."""
        if self.arriving:
            self.deny(503)

    def finish(self) -> None:
        """At the end of a drain: close what the application has not closed."""
        self.refuse()
        self.close(GOING_AWAY, "server shutting down")

    def application_ended(self, error: BaseException | None) -> None:
        """End the connection: no application serves it any more."""
        if self.arriving:
            self.deny(500)
        else:
            self.close(NORMAL if error is None else INTERNAL_ERROR)

    def close_by_application(self, message: dict[str, Any]) -> None:
        """Do what a ``websocket.close`` asks for. Raises ValueError for an unsendable code."""
        if self.arriving:
            self.deny(message.get("status", 403))
        elif self.phase is OPEN:  # else it is too late for any code
            code = message.get("code")
            code = check_close_code(NORMAL if code is None else code)
            self.close(code, message.get("reason") or "")
