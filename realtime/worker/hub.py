"""The hub: every session connected at this worker, and what becomes of it."""

import hashlib
import logging
import random
import re
import secrets
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from realtime.protocol import messages
from realtime.protocol.codes import CloseCode, ends_session, reason_for
from realtime.protocol.heartbeat import Dead, Policy
from realtime.protocol.messages import Bye, ClientMessage, Hello
from realtime.protocol.window import WINDOW, WINDOW_BYTES
from realtime.store.base import Store
from realtime.store.histogram import LatencyHistogram
from realtime.store.records import (
    BeatAnswer,
    Cap,
    CloseRequest,
    Departure,
    Loss,
    Lost,
    Opening,
    Peer,
    Pulse,
    Session,
    Totals,
    WorkerReport,
)

from .connection import Connection
from .departures import Departures, Leaving
from .session import ConnectedSession, adopt_totals
from .ticker import Ticker

logger = logging.getLogger("realtime.sessions")

SESSION_ID = re.compile(r"[0-9a-f]{32}")

LOSSES = {Loss.UNKNOWN: CloseCode.HEARTBEAT_TIMEOUT, Loss.TAKEN_OVER: CloseCode.TAKEN_OVER}


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process this is: a random id, made after the fork and never used again."""

    worker: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Watchers:
    """Whom the hub tells of sessions that begin; called in the event loop, must not wait."""

    opened: Callable[[Session], None]
    resumed: Callable[[Session], None]


class Hub:
    """Admits connections, beats their hearts, ends them; the store hears of it first."""

    def __init__(
        self,
        identity: Identity,
        store: Store,
        departures: Departures,
        watchers: Watchers,
        *,
        policy: Policy,
        max_message_size: int,
        max_publication: int,
        return_delay: tuple[int, int],
        cap: Cap | None = None,
    ) -> None:
        self.identity = identity
        self._store = store
        self._departures = departures
        self._watchers = watchers
        self._policy = policy
        self._max_message_size = max_message_size
        self._max_publication = max_publication
        self._return_delay = return_delay
        self._cap = cap
        self._sessions: dict[str, ConnectedSession] = {}
        self._arriving: set[Connection] = set()
        self._latencies = LatencyHistogram()  # of exactly these sessions
        self._pings = self._pongs = self._timeouts = 0
        self.ticker: Ticker
        self.online = 0
        self.workers = 1

    # ------------------------------------------------------------ admission

    @contextmanager
    def arriving(self, connection: Connection) -> Iterator[None]:
        """Until it is welcomed a connection is nobody's session, and is told of a drain as well."""
        self._arriving.add(connection)
        try:
            yield
        finally:
            self._arriving.discard(connection)

    async def admit(
        self, connection: Connection, hello: Hello, peer: Peer, *, login: Hashable = None
    ) -> ConnectedSession | None:
        """Open or resume a session; ``welcome`` is sent once the store has it.

        None if the user has as many as allowed: the connection has then been ended.
        ``login`` is whatever can be asked later whether it still stands; None is not asked.

        Raises StoreUnavailable if it cannot be known whether the store has it.
        """
        key = secrets.token_urlsafe(12)
        before = self.get(hello.resume.session) if hello.resume else None
        record = await self._resume(hello, peer, key) if hello.resume else None
        token = hello.resume.token if record and hello.resume else secrets.token_urlsafe(24)
        resumed = record is not None
        if record is None:
            record = await self._open(hello, peer, key, token)
        if record is None:
            logger.info("%s (%s) was refused: too many sessions", *_names(peer))
            connection.end(CloseCode.TOO_MANY_SESSIONS)
            return None
        # Whatever its generation: a store that came back with an old copy counts anew.
        if resumed and before is not None and not before.departed:
            record = self._hand_on(before, record)
        session = self._enter(record, connection, login, token_hash=_digest(token), key=key)
        if not connection.ended:
            connection.send(self._welcome(record, token, resumed=resumed))
        (self._watchers.resumed if resumed else self._watchers.opened)(record)
        return session

    async def _resume(self, hello: Hello, peer: Peer, key: str) -> Session | None:
        assert hello.resume is not None
        if not SESSION_ID.fullmatch(hello.resume.session):
            return None  # none of ours: not worth a round trip, and safe for any database
        opening = self._opening(hello.resume.session, hello.resume.token, key, hello, peer)
        try:
            return await self._store.resume(opening)
        except Exception:
            self._forsake(opening, for_good=False)
            raise

    async def _open(self, hello: Hello, peer: Peer, key: str, token: str) -> Session | None:
        opening = self._opening(secrets.token_hex(16), token, key, hello, peer)
        try:
            return await self._store.open(opening, cap=self._cap)
        except Exception:
            self._forsake(opening, for_good=True)
            raise

    def _opening(self, session: str, token: str, key: str, hello: Hello, peer: Peer) -> Opening:
        worker = self.identity.worker
        return Opening(session, _digest(token), key, worker, peer, hello.visibility)

    def _forsake(self, opening: Opening, *, for_good: bool) -> None:
        """Perhaps the store has this connection, and nobody will ever beat for it."""
        pulse = Pulse(opening.session, 0, None, 0, opening.visibility, Totals())
        code = CloseCode.TRY_AGAIN_LATER
        departure = Departure(pulse, code.value, code.reason, opening.connection)
        self._departures.add(Leaving(departure, for_good=for_good, goodbye=_nothing))

    def _enter(
        self, record: Session, connection: Connection, login: Hashable, *, token_hash: str, key: str
    ) -> ConnectedSession:
        older = self._sessions.get(record.id)
        if older is not None and older.record.generation <= record.generation:
            record = self._hand_on(older, record)
        now = time.monotonic()
        # Not all at once after a mass reconnect: half to a whole interval.
        first = self._policy.ping_interval * random.uniform(0.5, 1.0)  # noqa: S311
        session = ConnectedSession(
            record,
            connection,
            self._policy,
            now,
            first_ping=first,
            token_hash=token_hash,
            key=key,
            login=login,
        )
        if older is not None and older.record.generation > record.generation:
            session.departed = True  # overtaken by a later resume while the store answered
            connection.end(CloseCode.TAKEN_OVER)
            return session
        self._sessions[record.id] = session
        self._latencies.add(session.latency_ms)
        self.ticker.watch(session)
        return session

    def _hand_on(self, older: ConnectedSession, record: Session) -> Session:
        """End the older connection of a session; the record with what it has counted."""
        self._release(older, CloseCode.TAKEN_OVER)
        return adopt_totals(record, older)

    def _welcome(self, record: Session, token: str, *, resumed: bool) -> messages.Welcome:
        return messages.Welcome(
            session=record.id,
            token=token,
            resumed=resumed,
            user=record.peer.user or None,
            ping_interval=round(self._policy.ping_interval * 1000),
            pong_timeout=round(self._policy.pong_timeout * 1000),
            max_missed=self._policy.max_missed,
            window=WINDOW,
            window_bytes=WINDOW_BYTES,
            max_message_size=self._max_message_size,
            max_publication=self._max_publication,
            server_time=time.time_ns() // 1_000_000,
            rooms={},
        )

    # ------------------------------------------------------------ while connected

    def receive(self, session: ConnectedSession, message: ClientMessage) -> None:
        """Serve one message of a session."""
        if session.departed:
            return
        if isinstance(message, Bye):
            self._leave(session, CloseCode.NORMAL, "bye", for_good=True)
            return
        pongs, latency = session.pongs, session.latency_ms
        session.receive(message, time.monotonic(), online=max(self.online, len(self._sessions)))
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
        )

    def heed(self, answer: BeatAnswer) -> None:
        """Do what the store asks for in its answer to a beat."""
        self.online, self.workers = answer.online, answer.workers
        for request in answer.inbox:
            self._close_as_asked(request)
        self.give_up(answer.lost)

    def give_up(self, lost: Iterable[Lost]) -> None:
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
        ended, reason = session.connection.ended or (code, "")
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

        leaving = Leaving(
            departure,
            for_good=for_good,
            goodbye=say_goodbye,
            registration=session.registration,
        )
        self._departures.add(leaving)
        logger.info("%s (%s) left: %d %s", *_names(session.record.peer), code, reason)

    def _release(self, session: ConnectedSession, code: CloseCode) -> None:
        """End a connection whose session is not ours any more; the store knows."""
        self._forget(session)
        session.connection.end(code)

    def _forget(self, session: ConnectedSession) -> None:
        session.departed = True
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


def _names(peer: Peer) -> tuple[str, str]:
    return peer.username or "anonymous", peer.address


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _nothing() -> None:
    """Nobody waits for this departure."""
