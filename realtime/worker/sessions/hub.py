"""The hub: all sessions connected at this worker, and the ways in which they end."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from realtime.events.session_log import lifetime, log_session, peer_names
from realtime.protocol.codes import CloseCode, ends_session, reason_for, reason_of_peer
from realtime.protocol.heartbeat import Dead
from realtime.protocol.messages import Bye, ClientMessage, Welcome
from realtime.protocol.position import Start
from realtime.protocol.window import DeliveryMismatch
from realtime.store.histogram import LatencyHistogram
from realtime.store.records import (
    Deliveries,
    Departure,
    LossReason,
    LostSession,
    WorkerReport,
)

from ..connections.connection import Connection
from .checked_login import CheckedLogin
from .disconnect_queue import DisconnectQueue, PendingDisconnect
from .login_expiry import EXPIRED
from .session import ConnectedSession
from .ticker import Ticker

logger = logging.getLogger("realtime.sessions")

LOSS_CODES = {
    LossReason.UNKNOWN: CloseCode.HEARTBEAT_TIMEOUT,
    LossReason.TAKEN_OVER: CloseCode.TAKEN_OVER,
}


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Which process this is: ``worker`` is a random id, made after the fork and never reused."""

    worker: str
    host: str
    pid: int


class Hub:
    """Serves the sessions of this worker and ends them.

    The hub queues the report of an end for the store before the client gets its goodbye.
    ``deliveries()`` returns the worker's counts of room messages. ``return_delay`` is the range
    of milliseconds in which clients come back after a timeout or a shutdown. Set ``ticker``
    before the first session.
    """

    def __init__(
        self,
        identity: WorkerIdentity,
        disconnects: DisconnectQueue,
        *,
        deliveries: Callable[[], Deliveries],
        return_delay: tuple[int, int],
    ) -> None:
        self.identity = identity
        self._disconnects = disconnects
        self._deliveries = deliveries
        self.return_delay = return_delay
        self._sessions: dict[str, ConnectedSession] = {}
        self._without_session: set[Connection] = set()
        self._latencies = LatencyHistogram()  # of exactly these sessions
        self._pings = self._pongs = self._timeouts = 0
        self.ticker: Ticker
        self.online = 0
        self.workers = 1

    # ------------------------------------------------------------ admission

    @contextmanager
    def without_session(self, connection: Connection) -> Iterator[None]:
        """Include a connection that has no session yet in :meth:`end_all`, within this context."""
        self._without_session.add(connection)
        try:
            yield
        finally:
            self._without_session.discard(connection)

    def welcome(
        self, session: ConnectedSession, rooms: Mapping[str, Start], reply: Welcome
    ) -> None:
        """Add a session that the store has, after :meth:`replace_connection` of an older one. It
        joins its prepared rooms and its client gets ``reply`` with the results, without an await:
        publications come after it.

        If a later resume has overtaken it while the store answered, it ends instead.
        """
        if session.id in self._sessions:
            session.departed = True
            session.connection.end(CloseCode.TAKEN_OVER)
            return
        session.room_reader.request_ping = partial(self._ping_now, session)
        self._sessions[session.id] = session
        self._latencies.add(session.latency_ms)
        self.ticker.watch(session)
        if not session.connection.ended:
            results = {room: session.room_reader.join(room, at) for room, at in rooms.items()}
            session.connection.send(replace(reply, rooms=results))

    def replace_connection(self, older: ConnectedSession) -> None:
        """End the older connection of a session that a newer one resumes."""
        self._drop(older, CloseCode.TAKEN_OVER)

    def mark_changed(self, sessions: Iterable[str]) -> bool:
        """Have the next beat report these sessions, by id. Returns whether one of them is here."""
        here = [session for id_ in sessions if (session := self._sessions.get(id_))]
        for session in here:
            session.changed = True
        return bool(here)

    # ------------------------------------------------------------ while connected

    def receive(self, session: ConnectedSession, message: ClientMessage) -> None:
        """Handle a message of a session."""
        if session.departed:
            return
        if isinstance(message, Bye):
            self._disconnect(session, CloseCode.NORMAL, "bye", ends=True)
            return
        pongs, latency = session.pongs, session.latency_ms
        try:
            session.receive(message, time.monotonic(), online=max(self.online, len(self._sessions)))
        except DeliveryMismatch as mismatch:
            logger.info("%s (%s) counts wrong: %s", *peer_names(session.record.peer), mismatch)
            self.end(session, CloseCode.MISCOUNT)
        self._pongs += session.pongs - pongs
        self._latencies.replace(latency, session.latency_ms)

    def tick(self, session: ConnectedSession, now: float) -> None:
        """Do what a session has due at ``now``: ping it, ask for a new login, or end it."""
        if session.tick_login(now):
            self.end(session, CloseCode.CREDENTIALS_CHANGED, EXPIRED)
            return
        pings = session.pings
        action = session.tick(now)
        self._pings += session.pings - pings
        if isinstance(action, Dead):
            self._timeouts += 1
            self.end(session, CloseCode.HEARTBEAT_TIMEOUT, delay_ms=self.return_delay)

    def renew_login(
        self, session: ConnectedSession, login: CheckedLogin | None, expires_at: float | None
    ) -> None:
        """Replace the login of a session, which the ticker may have to look at sooner."""
        session.set_login(login, expires_at, time.monotonic())
        if session.due < session.next_tick:
            self.ticker.watch(session)

    def _ping_now(self, session: ConnectedSession) -> None:
        """Ping a session whose window is full: its pong says what it has received."""
        pings = session.pings
        session.ping_now(time.monotonic())
        self._pings += session.pings - pings
        if session.heartbeat.due < session.next_tick:
            self.ticker.watch(session)

    def connected(self) -> Collection[ConnectedSession]:
        """The sessions connected here now."""
        return self._sessions.values()

    def get(self, session_id: str) -> ConnectedSession | None:
        """The session with this id, if it is connected here."""
        return self._sessions.get(session_id)

    # ------------------------------------------------------------ the store

    def report(self) -> WorkerReport:
        """This worker's part of a beat."""
        return WorkerReport(
            id=self.identity.worker,
            host=self.identity.host,
            pid=self.identity.pid,
            connections=len(self._sessions),
            pings=self._pings,
            pongs=self._pongs,
            timeouts=self._timeouts,
            latency=self._latencies.sparse(),
            deliveries=self._deliveries(),
        )

    def drop_lost(self, lost: Iterable[LostSession]) -> None:
        """End the connections of sessions that do not belong to this worker any more."""
        for each in lost:
            if session := self.find(each.session, each.generation):
                self._drop(session, LOSS_CODES[each.reason])

    def find(self, session_id: str, generation: int) -> ConnectedSession | None:
        """The session, unless it was resumed here while the store answered."""
        session = self._sessions.get(session_id)
        return session if session and session.record.generation == generation else None

    # ------------------------------------------------------------ ends

    def end(
        self,
        session: ConnectedSession,
        code: int,
        reason: str = "",
        *,
        delay_ms: tuple[int, int] | None = None,
    ) -> None:
        """End a session's connection from this side, with a goodbye. Only the first end counts.

        A code from 4500 on closes the session, any other suspends it. The client picks its
        delay for reconnecting from ``delay_ms``.
        """
        if not session.departed:
            self._disconnect(session, code, reason, ends=ends_session(code), delay_ms=delay_ms)

    def on_disconnect(self, session: ConnectedSession, code: int) -> None:
        """Handle a closed transport. If the connection ended itself, its own code counts."""
        if session.departed:
            return
        ended, reason = session.connection.ended or (code, reason_of_peer(code))
        by_us = session.connection.ended is not None
        self._disconnect(session, ended, reason, ends=by_us and ends_session(ended))

    def _disconnect(
        self,
        session: ConnectedSession,
        code: int,
        reason: str,
        *,
        ends: bool,
        delay_ms: tuple[int, int] | None = None,
    ) -> None:
        reason = reason or reason_for(code)
        self._remove(session)
        disconnect = PendingDisconnect(
            Departure(session.as_update(time.monotonic()), int(code), reason),
            ends_session=ends,
            goodbye=partial(session.connection.end, code, reason, delay_ms=delay_ms),
            registration=session.as_registration,
        )
        self._disconnects.add(disconnect)
        self._log("closed" if ends else "suspended", session, code, reason)

    def _drop(self, session: ConnectedSession, code: CloseCode) -> None:
        """End the connection of a session that the store has given to another one, or closed."""
        self._remove(session)
        self._log("has left this worker", session, code, code.reason)
        session.connection.end(code)

    def _log(self, event: str, session: ConnectedSession, code: int, reason: str) -> None:
        log_session(
            event,
            session.record,
            code=int(code),
            reason=reason,
            worker=self.identity.worker,
            seconds=lifetime(session.record, session.entered_at),
        )

    def _remove(self, session: ConnectedSession) -> None:
        session.departed = True
        session.room_reader.stop()
        session.on_departure()
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
            self._latencies.remove(session.latency_ms)

    def end_all(self) -> Sequence[ConnectedSession]:
        """End all connections because the server shuts down. Returns their sessions."""
        for connection in self._without_session:
            connection.end(connection.shutdown_code(), delay_ms=self.return_delay)
        ended = list(self._sessions.values())
        for session in ended:
            code = session.connection.shutdown_code()
            self.end(session, code, delay_ms=self.return_delay)
        return ended
