"""The hub: every session connected at this worker, and what becomes of it."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from realtime.events.session_log import log_session, names, since
from realtime.protocol.codes import CloseCode, ends_session, reason_for, reason_of_peer
from realtime.protocol.heartbeat import Dead
from realtime.protocol.messages import Bye, ClientMessage
from realtime.protocol.window import DeliveryMismatch
from realtime.store.histogram import LatencyHistogram
from realtime.store.records import (
    BeatAnswer,
    CloseRequest,
    Deliveries,
    Departure,
    LossReason,
    LostSession,
    WorkerReport,
)

from ..connections.connection import Connection
from .departures import DisconnectQueue, PendingDisconnect
from .session import ConnectedSession
from .ticker import Ticker

logger = logging.getLogger("realtime.sessions")

LOSSES = {
    LossReason.UNKNOWN: CloseCode.HEARTBEAT_TIMEOUT,
    LossReason.TAKEN_OVER: CloseCode.TAKEN_OVER,
}


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Which process this is: a random id, made after the fork and never used again."""

    worker: str
    host: str
    pid: int


class Hub:
    """Serves connections, beats their hearts, ends them; the store hears of it first."""

    def __init__(
        self,
        identity: WorkerIdentity,
        departures: DisconnectQueue,
        *,
        deliveries: Callable[[], Deliveries],
        return_delay: tuple[int, int],
    ) -> None:
        self.identity = identity
        self._departures = departures
        self._deliveries = deliveries
        self._return_delay = return_delay
        self._sessions: dict[str, ConnectedSession] = {}
        self._arriving: set[Connection] = set()
        self._latencies = LatencyHistogram()  # of exactly these sessions
        self._pings = self._pongs = self._timeouts = 0
        self.ticker: Ticker
        self.online = 0
        self.workers = 1

    # ------------------------------------------------------------ coming in

    @contextmanager
    def arriving(self, connection: Connection) -> Iterator[None]:
        """Until it is welcomed a connection is nobody's session, and is told of a drain as well."""
        self._arriving.add(connection)
        try:
            yield
        finally:
            self._arriving.discard(connection)

    def enter(self, session: ConnectedSession) -> None:
        """Take in a session that the store has, after :meth:`hand_on` of an older connection.

        One that was overtaken by a later resume while the store answered is ended instead.
        """
        if session.id in self._sessions:
            session.departed = True
            session.connection.end(CloseCode.TAKEN_OVER)
            return
        session.reader.hurry = partial(self._hurry, session)
        self._sessions[session.id] = session
        self._latencies.add(session.latency_ms)
        self.ticker.watch(session)

    def hand_on(self, older: ConnectedSession) -> None:
        """End the connection of a session that goes on in a newer one."""
        self._release(older, CloseCode.TAKEN_OVER)

    def mark_changed(self, sessions: Iterable[str]) -> bool:
        """Have the next beat report those of these sessions that are here; whether any is."""
        here = [session for id_ in sessions if (session := self._sessions.get(id_))]
        for session in here:
            session.changed = True
        return bool(here)

    # ------------------------------------------------------------ while connected

    def receive(self, session: ConnectedSession, message: ClientMessage) -> None:
        """Serve one message of a session."""
        if session.departed:
            return
        if isinstance(message, Bye):
            self._leave(session, CloseCode.NORMAL, "bye", for_good=True)
            return
        pongs, latency = session.pongs, session.latency_ms
        try:
            session.receive(message, time.monotonic(), online=max(self.online, len(self._sessions)))
        except DeliveryMismatch as miscount:
            logger.info("%s (%s) counts wrong: %s", *names(session.record.peer), miscount)
            self.end(session, CloseCode.MISCOUNT)
        self._pongs += session.pongs - pongs
        self._latencies.replace(latency, session.latency_ms)

    def beat(self, session: ConnectedSession, now: float) -> None:
        """Do what a session's heartbeat has due."""
        pings = session.pings
        action = session.beat(now)
        self._pings += session.pings - pings
        if isinstance(action, Dead):
            self._timeouts += 1
            self.end(session, CloseCode.HEARTBEAT_TIMEOUT, delay_ms=self._return_delay)

    def _hurry(self, session: ConnectedSession) -> None:
        """Its window is full: it is asked what it has received."""
        pings = session.pings
        session.hurry(time.monotonic())
        self._pings += session.pings - pings
        if session.heartbeat.due < session.watched:
            self.ticker.watch(session)

    def connected(self) -> Collection[ConnectedSession]:
        """The sessions connected here now."""
        return self._sessions.values()

    def get(self, session_id: str) -> ConnectedSession | None:
        """The session of this id, if it is connected here."""
        return self._sessions.get(session_id)

    def report(self) -> WorkerReport:
        """What this worker tells the store of itself."""
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

    def heed(self, answer: BeatAnswer) -> None:
        """Do what the store asks for in its answer to a beat."""
        self.online, self.workers = answer.online, answer.workers
        for request in answer.inbox:
            self._close_as_asked(request)
        self.give_up(answer.lost)

    def give_up(self, lost: Iterable[LostSession]) -> None:
        """End the connections of sessions that are not ours any more."""
        for each in lost:
            if session := self._find(each.session, each.generation):
                self._release(session, LOSSES[each.loss])

    def _close_as_asked(self, request: CloseRequest) -> None:
        if session := self._find(request.session, request.generation):
            self.end(session, request.code, request.reason)

    def _find(self, session_id: str, generation: int) -> ConnectedSession | None:
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
        """End a session's connection from this side: the store first, then goodbye."""
        if not session.departed:
            self._leave(session, code, reason, for_good=ends_session(code), delay_ms=delay_ms)

    def gone(self, session: ConnectedSession, code: int) -> None:
        """The transport has gone, or the connection has ended by itself (rate, errors)."""
        if session.departed:
            return
        ended, reason = session.connection.ended or (code, reason_of_peer(code))
        by_us = session.connection.ended is not None
        self._leave(session, ended, reason, for_good=by_us and ends_session(ended))

    def _leave(
        self,
        session: ConnectedSession,
        code: int,
        reason: str,
        *,
        for_good: bool,
        delay_ms: tuple[int, int] | None = None,
    ) -> None:
        reason = reason or reason_for(code)
        self._forget(session)
        departure = Departure(session.pulse(time.monotonic()), int(code), reason)

        def say_goodbye() -> None:
            session.connection.end(code, reason, delay_ms=delay_ms)

        leaving = PendingDisconnect(
            departure,
            for_good=for_good,
            goodbye=say_goodbye,
            registration=session.registration,
        )
        self._departures.add(leaving)
        self._log("closed" if for_good else "suspended", session, code, reason)

    def _release(self, session: ConnectedSession, code: CloseCode) -> None:
        """End a connection whose session is not ours any more; the store knows."""
        self._forget(session)
        self._log("is no more of this worker", session, code, code.reason)
        session.connection.end(code)

    def _log(self, event: str, session: ConnectedSession, code: int, reason: str) -> None:
        seconds = since(session.record, session.entered)
        worker = self.identity.worker
        log_session(
            event, session.record, code=int(code), reason=reason, worker=worker, seconds=seconds
        )

    def _forget(self, session: ConnectedSession) -> None:
        session.departed = True
        session.reader.stop()
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
            self._latencies.remove(session.latency_ms)

    def end_all(self) -> Sequence[ConnectedSession]:
        """End every connection because the server shuts down; whose sessions they were."""
        for connection in self._arriving:
            connection.end(connection.shutdown_code(), delay_ms=self._return_delay)
        leaving = list(self._sessions.values())
        for session in leaving:
            code = session.connection.shutdown_code()
            self.end(session, code, delay_ms=self._return_delay)
        return leaving
