"""Admission: from ``hello`` to ``welcome``."""

import hashlib
import logging
import random
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from realtime.events.session_log import age_of, log_session, peer_names, printable
from realtime.protocol.codes import CloseCode
from realtime.protocol.heartbeat import Policy
from realtime.protocol.messages import Hello, Welcome
from realtime.protocol.window import WINDOW, WINDOW_BYTES
from realtime.store.contract import REQUESTED_END_MS, AtCapacity, Store
from realtime.store.records import (
    Departure,
    Opening,
    Session,
    SessionLimit,
    SessionUpdate,
    Totals,
    Verdict,
)
from realtime.store.verdicts import OUTDATED_TURN

from ..connections.connection import Connection
from ..rooms.permissions import Refused
from ..rooms.rooms import Rooms
from ..sessions.disconnect_queue import DisconnectQueue, PendingDisconnect
from ..sessions.hub import Hub
from ..sessions.session import ConnectedSession, adopt_totals
from .handlers import Handlers
from .identification import ADMISSION_TIMEOUT, Identification, PendingSession
from .limiter import Limiter

logger = logging.getLogger("realtime.sessions")

T = TypeVar("T")

SESSION_ID = re.compile(r"[0-9a-f]{32}")

# So many are admitted at a time. The others wait here, where no timeout of the store runs: in a
# crowd its answers wait for their turn of the event loop, too, and of 2,000 connections at once
# 900 took the store for silent.
MAX_CONCURRENT = 16

MIN_TRIP_MS = 10  # a call to the store is assumed to take at least so long; clocks are rounded
# Seconds from hello to the session: the store remembers no longer who was disconnected meanwhile.
MAX_ADMISSION = REQUESTED_END_MS / 1000 - 5.0


@dataclass(frozen=True, slots=True)
class SessionCallbacks:
    """Called in the event loop when sessions begin, join rooms and leave them; must not wait."""

    opened: Callable[[Session], None]
    resumed: Callable[[Session], None]
    joined: Callable[[Session, Iterable[str]], None]
    left: Callable[[Session, Iterable[str]], None]


@dataclass(frozen=True, slots=True)
class ServerParams:
    """The server's part of a ``welcome``: its heartbeat, the seconds for which a suspended
    session can be resumed, sizes in bytes, and frames that a client may send in a second."""

    policy: Policy
    resume_window: float
    max_message_size: int
    max_publication: int
    message_rate: int


class Admission:
    """Opens sessions, or resumes them, and enters them into their rooms. ``limiter`` limits how
    many at a time."""

    def __init__(
        self,
        hub: Hub,
        store: Store,
        disconnects: DisconnectQueue,
        rooms: Rooms,
        callbacks: SessionCallbacks,
        *,
        identification: Identification,
        params: ServerParams,
        limit: SessionLimit | None = None,
    ) -> None:
        self._hub = hub
        self._store = store
        self._disconnects = disconnects
        self._rooms = rooms
        self._callbacks = callbacks
        self.identification = identification
        self._params = params
        self._limit = limit
        self.limiter = Limiter(MAX_CONCURRENT, timeout=ADMISSION_TIMEOUT)
        self._trip_ms = 0  # duration of the last call to the store

    async def admit(
        self, connection: Connection, hello: Hello, handlers: Handlers
    ) -> ConnectedSession | None:
        """Open or resume a session; send ``welcome`` once the store has it.

        Returns None if the connection has gone or was ended meanwhile: because the client has no
        login or as many sessions as allowed, or because its login has ended.

        Raises StoreUnavailable if it cannot be known whether the store has the session, where
        the logs of its rooms end, or whether the login stands; and what
        :meth:`.Identification.identify` raises.
        """
        started = time.monotonic()
        new = await self.identification.identify(connection, hello, handlers)
        if new is None:
            return None
        async with self.limiter.slot(), self._rooms.prepare(new.rooms):
            if not await self.identification.still_stands(new):
                return None
            if time.monotonic() - started > MAX_ADMISSION:
                raise AtCapacity("there were threads for the application's code too late")
            new = self._refuse_new_rooms(new)
            session = await self._admit(new)
        for refusal in new.refusals if session else ():  # after `welcome`
            connection.send(refusal)
        return session

    def _refuse_new_rooms(self, new: PendingSession) -> PendingSession:
        """Leave out the rooms that exceed the limit of new rooms, with an error for each."""
        rooms, refusals = {}, [*new.refusals]
        for room, start in new.rooms.items():
            try:
                self._rooms.check_new(room, new.peer)
            except Refused as refused:
                refusals.append(refused.to_error(room))
            else:
                rooms[room] = start
        presence = {room: text for room, text in new.presence.items() if room in rooms}
        return replace(new, rooms=rooms, refusals=refusals, presence=presence)

    async def _admit(self, new: PendingSession) -> ConnectedSession | None:
        if new.connection.is_gone or new.connection.ended:
            # Its client may have given up on a worker that stood still, and have resumed
            # elsewhere: resuming now would steal the session from the newer connection. Or a
            # drain has said goodbye to it while it waited.
            return None
        resume = new.hello.resume
        live = self._hub.get(resume.session) if resume else None
        record = OUTDATED_TURN if live and _is_outdated(live, new) else await self._resume(new)
        token = resume.token if record and resume else secrets.token_urlsafe(24)
        resumed = isinstance(record, Session)
        if record is None:
            record = await self._open(new, token)
        if isinstance(record, Verdict):
            self._refuse(new, record)
            return None
        if record is None:
            logger.info("%s (%s) was refused: too many sessions", *peer_names(new.peer))
            new.connection.end(CloseCode.TOO_MANY_SESSIONS)
            return None
        # Of any generation: a store that came back with an old copy counts anew.
        if resumed and live is not None and not live.departed:
            record = self._replace_connection(live, new, record)
        session = self._connect(new, record, token)
        self._hub.welcome(session, new.rooms, self._reply(session.record, token, resumed=resumed))
        log_session("resumed" if resumed else "opened", record, seconds=age_of(record))
        (self._callbacks.resumed if resumed else self._callbacks.opened)(record)
        self._callbacks.joined(record, session.room_reader.room_names)
        return session

    def _refuse(self, new: PendingSession, verdict: Verdict) -> None:
        code, reason = verdict.code, verdict.reason
        logger.info(
            "%s (%s) may not come in: %d %s", *peer_names(new.peer), code, printable(reason)
        )
        new.connection.resume_refused = True
        new.connection.end(code, reason)

    # ------------------------------------------------------------ the store

    async def _resume(self, new: PendingSession) -> Session | Verdict | None:
        resume = new.hello.resume
        if resume is None or not SESSION_ID.fullmatch(resume.session):
            return None  # no id of ours: not worth a round trip, nor safe for every database
        opening = self._opening(new, resume.session, resume.token, turn=resume.turn)
        return await self._answer(self._store.resume(opening), opening, ends_session=False)

    async def _open(self, new: PendingSession, token: str) -> Session | Verdict | None:
        opening = self._opening(new, secrets.token_hex(16), token)
        opened = self._store.open(opening, limit=self._limit)
        return await self._answer(opened, opening, ends_session=True)

    def _opening(
        self, new: PendingSession, session: str, token: str, *, turn: int | None = None
    ) -> Opening:
        return Opening(
            session=session,
            token_hash=_digest(token),
            connection=new.key,
            worker=self._hub.identity.worker,
            peer=new.peer,
            visibility=new.hello.visibility,
            rooms=tuple(sorted(new.rooms)),
            turn=turn,
            age_ms=new.connection.age_ms + max(MIN_TRIP_MS, self._trip_ms),
            presence=new.presence,
        )

    async def _answer(self, call: Awaitable[T], opening: Opening, *, ends_session: bool) -> T:
        """The store's answer. Its duration is how much further the next call looks back for
        requested ends, so that no disconnect is missed while a slow call is under way."""
        began = time.monotonic()
        try:
            return await call
        except BaseException:  # also if this task is cancelled: the call goes on
            self._abandon(opening, ends_session=ends_session)
            raise
        finally:
            self._trip_ms = round((time.monotonic() - began) * 1000)

    def _abandon(self, opening: Opening, *, ends_session: bool) -> None:
        """Disconnect a connection that the store may have, or may get when the call arrives:
        the session must not stay with it, and a late call finds its tombstone."""
        update = SessionUpdate(opening.session, 0, None, 0, opening.visibility, Totals())
        code = CloseCode.TRY_AGAIN_LATER
        departure = Departure(update, code.value, code.reason, opening.connection)
        pending = PendingDisconnect(departure, ends_session=ends_session, goodbye=lambda: None)
        self._disconnects.add(pending)

    # ------------------------------------------------------------ the session here

    def _connect(self, new: PendingSession, record: Session, token: str) -> ConnectedSession:
        older = self._hub.get(record.id)
        if older is not None and older.record.turn <= record.turn:
            record = self._replace_connection(older, new, record)
        policy = self._params.policy
        # Not all at once after a mass reconnect: half to a whole interval.
        first = policy.ping_interval * random.uniform(0.5, 1.0)  # noqa: S311
        return ConnectedSession(
            record,
            new.connection,
            self._rooms,
            policy,
            time.monotonic(),
            first_ping=first,
            token_hash=_digest(token),
            key=new.key,
            login=new.login,
            expires_at=new.expires_at,
            presence=new.presence or None,
        )

    def _replace_connection(
        self, older: ConnectedSession, new: PendingSession, record: Session
    ) -> Session:
        """End the older connection of a session; the record with the totals it has counted."""
        self._hub.replace_connection(older)
        self._callbacks.left(record, older.room_reader.room_names - new.rooms.keys())
        return adopt_totals(record, older)

    def _reply(self, record: Session, token: str, *, resumed: bool) -> Welcome:
        """The ``welcome``, still without the results of joining its rooms."""
        params, policy = self._params, self._params.policy
        return Welcome(
            session=record.id,
            token=token,
            resumed=resumed,
            user=record.peer.user or None,
            ping_interval=round(policy.ping_interval * 1000),
            pong_timeout=round(policy.pong_timeout * 1000),
            max_missed=policy.max_missed,
            resume_window=round(params.resume_window * 1000),
            window=WINDOW,
            window_bytes=WINDOW_BYTES,
            max_message_size=params.max_message_size,
            max_publication=params.max_publication,
            message_rate=params.message_rate,
            server_time=time.time_ns() // 1_000_000,
            rooms={},
        )


def _is_outdated(live: ConnectedSession, new: PendingSession) -> bool:
    """Whether the session's own client has already made a later attempt, which has it here. A
    store that came back with an old copy may not know that attempt."""
    resume = new.hello.resume
    if resume is None or resume.turn is None or live.departed:
        return False
    own = (live.token_hash, live.record.peer.user) == (_digest(resume.token), new.peer.user)
    return own and resume.turn <= live.record.turn


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
