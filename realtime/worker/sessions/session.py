"""A connected session: its connection, its heartbeat, its totals."""

import math
import time
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from realtime.protocol import messages
from realtime.protocol.codes import ErrorCode
from realtime.protocol.heartbeat import Dead, Heartbeat, Policy, SendPing
from realtime.protocol.messages import (
    Auth,
    Bye,
    ClientMessage,
    ClientPing,
    ClientPong,
    Hello,
    Join,
    JoinResult,
    Leave,
    Received,
    RoomMessage,
    Visibility,
)
from realtime.protocol.position import Start
from realtime.protocol.presence_messages import WatchPresence
from realtime.protocol.request_messages import Cancel, ClientRequest, ReplyReceived
from realtime.protocol.room_messages import RoomMessages
from realtime.store.records import Registration, Session, SessionUpdate, Totals

from ..connections.connection import Connection
from ..rooms.room_reader import RoomReader
from ..rooms.rooms import Rooms
from .checked_login import CheckedLogin
from .login_expiry import next_look


class ConnectedSession:
    """A session that is connected at this worker. All times are seconds of the monotonic clock.

    ``changed`` has the next beat report the session, ``rooms_changed`` its rooms as well.
    ``departed`` is True once the session has left this worker. ``next_tick`` is when the ticker
    looks at it next, ``last_seen`` when the last well-formed frame came. ``token_hash`` and
    ``key`` are those of its ``Opening``: a re-registration needs them. ``presence`` is, too; None
    if the session was never present in any room. ``login`` is None if it
    cannot be checked again; ``expires_at`` is when it expires, in unix seconds, or None.
    ``on_departure()`` is called once it has left this worker; it must not wait.
    """

    __slots__ = (
        "__weakref__",
        "_base_totals",
        "_login_due",
        "changed",
        "connection",
        "departed",
        "entered_at",
        "expires_at",
        "heartbeat",
        "invalid_pongs",
        "key",
        "last_seen",
        "latency_ms",
        "login",
        "misses",
        "next_tick",
        "on_departure",
        "pings",
        "pongs",
        "presence",
        "record",
        "room_reader",
        "rooms_changed",
        "token_hash",
        "visibility",
    )

    def __init__(
        self,
        record: Session,
        connection: Connection,
        rooms: Rooms,
        policy: Policy,
        now: float,
        *,
        first_ping: float,
        token_hash: str,
        key: str,
        login: CheckedLogin | None = None,
        expires_at: float | None = None,
        presence: dict[str, str] | None = None,
    ) -> None:
        self.record = record
        self.connection: Final = connection
        self.token_hash: Final = token_hash
        self.key: Final = key
        self.presence = presence
        self.set_login(login, expires_at, now)
        self.room_reader: Final = RoomReader(rooms, connection)
        self.heartbeat: Final = Heartbeat(policy, now, first_ping=first_ping)
        self._base_totals = record.totals
        self.visibility = record.visibility
        self.latency_ms = record.latency_ms
        self.last_seen = self.entered_at = now
        self.pings = self.pongs = self.invalid_pongs = self.misses = 0
        self.changed = self.rooms_changed = False
        self.departed = False
        self.on_departure: Callable[[], None] = lambda: None
        self.next_tick = 0.0

    @property
    def id(self) -> str:
        """The session's id, which survives reconnects."""
        return self.record.id

    @property
    def rooms(self) -> tuple[str, ...]:
        """The names of its rooms, sorted; once departed, of those that it was in."""
        return tuple(sorted(self.room_reader.room_names))

    @property
    def totals(self) -> Totals:
        """The counts over all connections of the session."""
        base = self._base_totals
        return Totals(
            pings=base.pings + self.pings,
            pongs=base.pongs + self.pongs,
            invalid_pongs=base.invalid_pongs + self.invalid_pongs,
            misses=base.misses + self.misses,
            frames_in=base.frames_in + self.connection.frames_in,
            frames_out=base.frames_out + self.connection.frames_out + self.room_reader.delivered,
        )

    def as_update(self, now: float) -> SessionUpdate:
        """The report for a beat at ``now``; with its rooms only if they may have changed."""
        with_rooms = self.rooms_changed or self.departed
        return SessionUpdate(
            session=self.id,
            generation=self.record.generation,
            latency_ms=self.latency_ms,
            missed=self.heartbeat.missed,
            visibility=self.visibility,
            totals=self.totals,
            idle_ms=self._idle_ms(now),
            rooms=self.rooms if with_rooms else None,
            presence=self.presence if with_rooms else None,
        )

    def as_registration(self, now: float) -> Registration:
        """The registration, at ``now``, at a store that has lost the session."""
        idle_ms = self._idle_ms(now)
        return Registration(
            self.snapshot(), self.token_hash, self.key, idle_ms, self.presence or {}
        )

    def _idle_ms(self, now: float) -> int:
        return max(0, round((now - self.last_seen) * 1000))

    def snapshot(self) -> Session:
        """The record with present values."""
        return replace(
            self.record,
            visibility=self.visibility,
            latency_ms=self.latency_ms,
            missed=self.heartbeat.missed,
            totals=self.totals,
            rooms=self.rooms,
        )

    # ------------------------------------------------------------ its login

    def set_login(self, login: CheckedLogin | None, expires_at: float | None, now: float) -> None:
        """Replace the login; see :meth:`tick_login`."""
        self.login, self.expires_at = login, expires_at
        self._login_due = math.inf
        if expires_at is not None:
            self._login_due = now + next_look(expires_at - time.time())

    def tick_login(self, now: float) -> bool:
        """Ask for a new login if that is due. Returns whether the present one has expired."""
        if now < self._login_due or self.expires_at is None:
            return False
        remaining = self.expires_at - time.time()
        if remaining > 0:
            self.connection.send(messages.AuthExpiring(round(remaining * 1000)))
            self._login_due = now + next_look(remaining)
        return remaining <= 0

    @property
    def due(self) -> float:
        """When the ticker has to look at it: for its heartbeat, or for its login."""
        return min(self.heartbeat.due, self._login_due)

    # ------------------------------------------------------------ its rooms

    def join(self, room: str, start: Start, description: str | None = None) -> JoinResult:
        """Join a room, see :meth:`.RoomReader.join`; with a description the session is present
        there. The next beat reports it."""
        self.changed = self.rooms_changed = True
        if description is not None:
            self.presence = {**(self.presence or {}), room: description}
        return self.room_reader.join(room, start)

    def leave(self, room: str) -> None:
        """Leave a room; the next beat reports it."""
        self.changed = self.rooms_changed = True
        if self.presence:
            self.presence = {name: text for name, text in self.presence.items() if name != room}
        self.room_reader.leave(room)

    # ------------------------------------------------------------ the heartbeat

    def tick(self, now: float) -> Dead | SendPing | None:
        """Do what the heartbeat has due: send a ping. The caller ends the session on Dead."""
        missed = self.heartbeat.missed
        action = self.heartbeat.tick(now)
        if self.heartbeat.missed > missed:
            self.misses += 1
            self.changed = True
        if isinstance(action, SendPing):
            self._ping(action)
        return action

    def ping_now(self, now: float) -> None:
        """Ping at once, unless a ping is outstanding."""
        if not self.heartbeat.outstanding:
            self._ping(self.heartbeat.probe(now))

    def _ping(self, action: SendPing) -> None:
        epoch_ms = time.time_ns() // 1_000_000
        self.pings += 1
        self.connection.send(
            messages.Ping(
                sequence=action.sequence,
                timestamp=messages.timestamp(epoch_ms),
                server_time=epoch_ms,
                delivered=self.room_reader.on_ping(self.heartbeat.outstanding),
            )
        )

    def touch(self, now: float) -> None:
        """Note a well-formed frame other than a pong."""
        self.changed |= self.heartbeat.missed > 0
        self.heartbeat.traffic(now)
        self.last_seen = now

    # ------------------------------------------------------------ the client's messages

    def receive(self, message: ClientMessage, now: float, *, online: int) -> None:
        """Handle a message. ``online`` is what the answer to a client's ping says.

        Raises DeliveryMismatch, and ValueError for messages of the hub (Bye) and of
        :class:`.SessionRequests` (Auth and all of Request) and :class:`.Replies` (RequestFrame).
        """
        match message:
            case ClientPong():
                self._pong(message, now)
            case Received():
                self.touch(now)
                if self.room_reader.on_received(message.count):
                    self.connection.excuse_frame()  # there are as many as we send
            case ClientPing():
                self.touch(now)
                self._answer(message, online)
            case Visibility():
                self.touch(now)
                self.visibility = message.state
                self.changed = True
            case Hello():
                self.connection.reject_frame(
                    ErrorCode.INVALID_MESSAGE, "expected one hello only, at the start"
                )
            case ClientRequest() | Cancel() | ReplyReceived() | Bye():
                raise ValueError(f"{type(message).__name__} is not handled here")
            case Auth() | Join() | Leave() | WatchPresence() | RoomMessage() | RoomMessages():
                raise ValueError(f"{type(message).__name__} is not handled here")

    def _pong(self, pong: ClientPong, now: float) -> None:
        latency = self.heartbeat.pong(pong.sequence, now)
        if latency is None:
            self.invalid_pongs += 1
            return
        self.connection.excuse_frame()  # there are as many as our pings
        self.pongs += 1
        self.latency_ms = round(latency * 1000, 2)
        self.last_seen = now
        self.changed = True
        self.room_reader.on_pong(pong.sequence, pong.received)

    def _answer(self, ping: ClientPing, online: int) -> None:
        epoch_ms = time.time_ns() // 1_000_000
        self.connection.send(
            messages.Pong(
                sequence=ping.sequence,
                client_time=ping.client_time,
                server_time=epoch_ms,
                timestamp=messages.timestamp(epoch_ms),
                online=online,
            )
        )


def adopt_totals(record: Session, older: ConnectedSession) -> Session:
    """The record with the older connection's counts, the last of which the store may not have."""
    return replace(record, totals=older.totals)
