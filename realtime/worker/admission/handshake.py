"""Admission: from ``hello`` to ``welcome``."""

import hashlib
import logging
import random
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from realtime.common.time_limit import time_limit
from realtime.events.session_log import age_of, log_session, peer_names, printable
from realtime.protocol.codes import CloseCode
from realtime.protocol.heartbeat import Policy
from realtime.protocol.messages import Error, Hello, JoinResult, Welcome
from realtime.protocol.position import Position
from realtime.protocol.window import WINDOW, WINDOW_BYTES
from realtime.store.contract import REQUESTED_END_MS, AtCapacity, Store
from realtime.store.records import (
    Departure,
    Opening,
    Peer,
    Session,
    SessionLimit,
    SessionUpdate,
    Totals,
    Verdict,
)
from realtime.store.verdicts import OUTDATED_TURN

from ..connections.connection import Connection
from ..rooms.permissions import Permissions, Refused
from ..rooms.rooms import Rooms
from ..sessions.disconnect_queue import DisconnectQueue, PendingDisconnect
from ..sessions.hub import Hub
from ..sessions.session import ConnectedSession, adopt_totals
from .turns import Limiter

logger = logging.getLogger("realtime.sessions")

T = TypeVar("T")

SESSION_ID = re.compile(r"[0-9a-f]{32}")

# So many are admitted at a time. The others wait here, where no timeout of the store runs: in a
# crowd an answer waits for its turn of the loop, too, and of 2,000 at once the store seemed
# silent to 900. Who has waited for PATIENCE seconds is asked to come again; so is whoever the
# application leaves as long in doubt about its rooms: a browser has given up on us by then.
AT_ONCE, PATIENCE = 16, 10.0

WAY_MS = 10  # at least so long a call may be under way to the store, and clocks are rounded
# Seconds from hello to the session: no longer is it remembered who was sent away meanwhile.
LONGEST = REQUESTED_END_MS / 1000 - 5.0
LOGIN_FRESH = 1.0  # seconds from a look at a login to the session; later it is looked at again


@dataclass(frozen=True, slots=True)
class SessionCallbacks:
    """Whom a worker tells of sessions that begin, and of the rooms they come into and
    leave; called in the event loop, must not wait."""

    opened: Callable[[Session], None]
    resumed: Callable[[Session], None]
    joined: Callable[[Session, Iterable[str]], None]
    left: Callable[[Session, Iterable[str]], None]


@dataclass(frozen=True, slots=True)
class ServerParams:
    """What a ``welcome`` tells of this server: its heartbeat, how many seconds a suspended
    session waits for its client, and sizes in bytes."""

    policy: Policy
    resume_window: float
    max_message_size: int
    max_publication: int


@dataclass(frozen=True, slots=True)
class Identified:
    """Who has said ``hello``, and what they may. ``login`` is whatever can be asked later whether
    it still stands, None is not asked; ``verdict`` asks that now, and answers with the close
    code if it does not."""

    peer: Peer
    rights: Permissions
    login: Hashable
    verdict: Callable[[], Awaitable[int | None]]


# Finds out who it is; None if the connection was ended, because nobody may come in.
Identify = Callable[[], Awaitable[Identified | None]]


@dataclass(frozen=True, slots=True)
class PendingSession:
    """A connection that has said ``hello``, who that is, and the rooms it is to be in. ``key`` is
    its name in the store."""

    connection: Connection
    hello: Hello
    peer: Peer
    rooms: Mapping[str, Position | None]
    login: Hashable
    key: str


class Admission:
    """Opens sessions, or resumes them, and enters them into their rooms."""

    def __init__(
        self,
        hub: Hub,
        store: Store,
        departures: DisconnectQueue,
        rooms: Rooms,
        watchers: SessionCallbacks,
        *,
        terms: ServerParams,
        cap: SessionLimit | None = None,
    ) -> None:
        self._hub = hub
        self._store = store
        self._disconnects = departures
        self._rooms = rooms
        self._watchers = watchers
        self._terms = terms
        self._cap = cap
        self._turns = Limiter(AT_ONCE, patience=PATIENCE)
        self._way_ms = 0  # that the last call took

    async def admit(
        self, connection: Connection, hello: Hello, identify: Identify
    ) -> ConnectedSession | None:
        """Open or resume a session; ``welcome`` is sent once the store has it.

        None if the connection has gone or was ended meanwhile: by ``identify``, because the user
        has as many sessions as allowed, or because the login has ended while others were
        served.

        Raises StoreUnavailable if it cannot be known whether the store has it, where
        the logs of its rooms end, or whether the login stands; whatever ``identify`` and the
        rights raise; and TimeoutError if one of them takes longer than PATIENCE.
        """
        came_at = time.monotonic()
        async with time_limit(PATIENCE):
            guest = await identify()
        known_at = time.monotonic()
        if guest is None:
            return None
        async with time_limit(PATIENCE):
            granted, refusals = await guest.rights.grant(hello.rooms)
        key = secrets.token_urlsafe(12)
        async with self._turns.one(), self._rooms.prepare(list(granted)):
            if not await self._still_stands(guest, connection, known_at):
                return None
            if time.monotonic() - came_at > LONGEST:
                raise AtCapacity("there were threads for the application's code too late")
            rooms, too_many = self._without_new(granted, guest.peer)
            refusals += too_many
            newcomer = PendingSession(connection, hello, guest.peer, rooms, guest.login, key)
            session = await self._admit(newcomer)
        for refusal in refusals if session else ():  # after `welcome`
            connection.send(refusal)
        return session

    async def _still_stands(
        self, guest: Identified, connection: Connection, known_at: float
    ) -> bool:
        """Look again at a login after a long wait: a logout meanwhile found no socket to close."""
        if guest.login is None or time.monotonic() - known_at < LOGIN_FRESH:
            return True
        code = await guest.verdict()
        if code is not None:
            connection.end(code)
        return code is None

    def _without_new(
        self, granted: Mapping[str, Position | None], peer: Peer
    ) -> tuple[dict[str, Position | None], list[Error]]:
        """Rooms that are prepared, without the new ones that are too many, and what is said of
        those."""
        rooms, refusals = {}, []
        for room, position in granted.items():
            try:
                self._rooms.check_new(room, peer)
            except Refused as refused:
                refusals.append(refused.to_error(room))
            else:
                rooms[room] = position
        return rooms, refusals

    async def wait_for_a_turn(self) -> None:
        """Wait as long as a newcomer would have to. Raises AtCapacity if that is too long."""
        async with self._turns.one():
            pass

    async def _admit(self, new: PendingSession) -> ConnectedSession | None:
        if new.connection.is_gone or new.connection.ended:
            # Its client may have given up on a worker that stood still, and have resumed
            # elsewhere: who resumes now takes the session from a live connection. And a drain
            # has said goodbye to those who were still waiting here.
            return None
        resume = new.hello.resume
        before = self._hub.get(resume.session) if resume else None
        is_late = before is not None and _has_gone_on(before, new)
        record = OUTDATED_TURN if is_late else await self._resume(new)
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
        # Whatever its generation: a store that came back with an old copy counts anew.
        if resumed and before is not None and not before.departed:
            record = self._hand_on(before, new, record)
        session = self._enter(new, record, token)
        if not new.connection.ended:
            self._welcome(new, session, token, resumed=resumed)
        log_session("resumed" if resumed else "opened", record, seconds=age_of(record))
        (self._watchers.resumed if resumed else self._watchers.opened)(record)
        self._watchers.joined(record, session.room_reader.room_names)
        return session

    def _refuse(self, new: PendingSession, verdict: Verdict) -> None:
        code, reason = verdict.code, verdict.reason
        logger.info(
            "%s (%s) may not come in: %d %s", *peer_names(new.peer), code, printable(reason)
        )
        new.connection.resume_refused = True
        new.connection.end(code, reason)

    async def _resume(self, new: PendingSession) -> Session | Verdict | None:
        resume = new.hello.resume
        if resume is None or not SESSION_ID.fullmatch(resume.session):
            return None  # none of ours: not worth a round trip, and safe for any database
        opening = self._opening(new, resume.session, resume.token, turn=resume.turn)
        try:
            return await self._timed(self._store.resume(opening))
        except BaseException:  # also if this task is cancelled: the call goes on
            self._forsake(opening, ends_session=False)
            raise

    async def _open(self, new: PendingSession, token: str) -> Session | Verdict | None:
        opening = self._opening(new, secrets.token_hex(16), token)
        try:
            return await self._timed(self._store.open(opening, limit=self._cap))
        except BaseException:
            self._forsake(opening, ends_session=True)
            raise

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
            age_ms=new.connection.age_ms + max(WAY_MS, self._way_ms),
        )

    async def _timed(self, call: Awaitable[T]) -> T:
        """The answer of the store; how long it took is how far back the next one looks for
        ends: who was sent away by a store so slow does not come again within that time."""
        began = time.monotonic()
        try:
            return await call
        finally:
            self._way_ms = round((time.monotonic() - began) * 1000)

    def _forsake(self, opening: Opening, *, ends_session: bool) -> None:
        """Give a connection up that the store may have, or may yet come to have: the session
        is not to stay with it, and a call that arrives later finds its tombstone."""
        pulse = SessionUpdate(opening.session, 0, None, 0, opening.visibility, Totals())
        code = CloseCode.TRY_AGAIN_LATER
        departure = Departure(pulse, code.value, code.reason, opening.connection)
        self._disconnects.add(
            PendingDisconnect(departure, ends_session=ends_session, goodbye=_nothing)
        )

    def _enter(self, new: PendingSession, record: Session, token: str) -> ConnectedSession:
        older = self._hub.get(record.id)
        if older is not None and older.record.turn <= record.turn:
            record = self._hand_on(older, new, record)
        policy = self._terms.policy
        # Not all at once after a mass reconnect: half to a whole interval.
        first = policy.ping_interval * random.uniform(0.5, 1.0)  # noqa: S311
        session = ConnectedSession(
            record,
            new.connection,
            self._rooms,
            policy,
            time.monotonic(),
            first_ping=first,
            token_hash=_digest(token),
            key=new.key,
            login=new.login,
        )
        self._hub.add(session)
        return session

    def _hand_on(self, older: ConnectedSession, new: PendingSession, record: Session) -> Session:
        """End the older connection of a session; the record with what it has counted."""
        self._hub.replace_connection(older)
        self._watchers.left(record, older.room_reader.room_names - new.rooms.keys())
        return adopt_totals(record, older)

    def _welcome(
        self, new: PendingSession, session: ConnectedSession, token: str, *, resumed: bool
    ) -> None:
        """Enter it into its rooms and say so, without a pause: what it is handed there comes
        after ``welcome``."""
        entries = {room: session.room_reader.join(room, at) for room, at in new.rooms.items()}
        new.connection.send(self._words(session.record, token, entries, resumed=resumed))

    def _words(
        self, record: Session, token: str, rooms: dict[str, JoinResult], *, resumed: bool
    ) -> Welcome:
        policy = self._terms.policy
        return Welcome(
            session=record.id,
            token=token,
            resumed=resumed,
            user=record.peer.user or None,
            ping_interval=round(policy.ping_interval * 1000),
            pong_timeout=round(policy.pong_timeout * 1000),
            max_missed=policy.max_missed,
            resume_window=round(self._terms.resume_window * 1000),
            window=WINDOW,
            window_bytes=WINDOW_BYTES,
            max_message_size=self._terms.max_message_size,
            max_publication=self._terms.max_publication,
            server_time=time.time_ns() // 1_000_000,
            rooms=rooms,
        )


def _has_gone_on(live: ConnectedSession, new: PendingSession) -> bool:
    """Whether the session's own client has made a later attempt, which has it here. A store
    that came back with an old copy may not know of that."""
    resume = new.hello.resume
    if resume is None or resume.turn is None or live.departed:
        return False
    own = (live.token_hash, live.record.peer.user) == (_digest(resume.token), new.peer.user)
    return own and resume.turn <= live.record.turn


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _nothing() -> None:
    """Nobody waits for this departure."""
