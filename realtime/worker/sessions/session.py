"""A session as its worker sees it: one connection, one heartbeat, running totals."""

import time
from collections.abc import Hashable
from typing import Final

from msgspec.structs import replace

from realtime.protocol import messages
from realtime.protocol.codes import ErrorCode
from realtime.protocol.heartbeat import Dead, Heartbeat, Policy, SendPing
from realtime.protocol.messages import (
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
from realtime.protocol.position import Position
from realtime.store.records import Registration, Session, SessionUpdate, Totals

from ..connections.connection import Connection
from ..rooms.room_reader import RoomReader
from ..rooms.rooms import Rooms


class ConnectedSession:
    """The live half of a session that is connected here.

    ``changed`` says that the store should hear of it with the next beat, ``moved`` that it
    should hear of its rooms as well. ``watched`` is when its heart is asked next.
    ``token_hash`` and ``key`` are the token's digest and the connection's name in its
    ``Opening``: a store that has lost its content must be told of them again.
    """

    __slots__ = (
        "__weakref__",
        "_base",
        "changed",
        "connection",
        "departed",
        "entered",
        "heartbeat",
        "invalid_pongs",
        "key",
        "last_life",
        "latency_ms",
        "login",
        "misses",
        "moved",
        "pings",
        "pongs",
        "reader",
        "record",
        "token_hash",
        "visibility",
        "watched",
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
        login: Hashable = None,
    ) -> None:
        self.record: Final = record
        self.connection: Final = connection
        self.token_hash: Final = token_hash
        self.key: Final = key
        self.login: Final = login
        self.reader: Final = RoomReader(rooms, connection)
        self.heartbeat: Final = Heartbeat(policy, now, first_ping=first_ping)
        self._base = record.totals
        self.visibility = record.visibility
        self.latency_ms = record.latency_ms
        self.last_life = self.entered = now
        self.pings = self.pongs = self.invalid_pongs = self.misses = 0
        self.changed = self.moved = False
        self.departed = False
        self.watched = 0.0

    @property
    def id(self) -> str:
        """The session's id; survives reconnects."""
        return self.record.id

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms it is in, or was in when it departed, sorted."""
        return tuple(sorted(self.reader.names))

    @property
    def totals(self) -> Totals:
        """What the session has counted over all its connections."""
        base = self._base
        return Totals(
            pings=base.pings + self.pings,
            pongs=base.pongs + self.pongs,
            invalid_pongs=base.invalid_pongs + self.invalid_pongs,
            misses=base.misses + self.misses,
            frames_in=base.frames_in + self.connection.frames_in,
            frames_out=base.frames_out + self.connection.frames_out + self.reader.delivered,
        )

    def pulse(self, now: float) -> SessionUpdate:
        """What the store should know of it at ``now``."""
        return SessionUpdate(
            session=self.id,
            generation=self.record.generation,
            latency_ms=self.latency_ms,
            missed=self.heartbeat.missed,
            visibility=self.visibility,
            totals=self.totals,
            idle_ms=self._idle_ms(now),
            rooms=self.rooms if self.moved or self.departed else None,
        )

    def registration(self, now: float) -> Registration:
        """What a store that does not know it must hear at ``now``."""
        return Registration(self.snapshot(), self.token_hash, self.key, self._idle_ms(now))

    def _idle_ms(self, now: float) -> int:
        return max(0, round((now - self.last_life) * 1000))

    def snapshot(self) -> Session:
        """The record with today's values."""
        return replace(
            self.record,
            visibility=self.visibility,
            latency_ms=self.latency_ms,
            missed=self.heartbeat.missed,
            totals=self.totals,
            rooms=self.rooms,
        )

    # ------------------------------------------------------------ its rooms

    def enter(self, room: str, position: Position | None) -> JoinResult:
        """Join a room as in :meth:`.RoomReader.enter`; the store hears of it."""
        self.changed = self.moved = True
        return self.reader.enter(room, position)

    def leave(self, room: str) -> None:
        """Be in a room no more; the store hears of it."""
        self.changed = self.moved = True
        self.reader.leave(room)

    # ------------------------------------------------------------ the heartbeat

    def beat(self, now: float) -> Dead | SendPing | None:
        """Do what the heartbeat has due; the caller ends the session when it is Dead."""
        missed = self.heartbeat.missed
        action = self.heartbeat.tick(now)
        if self.heartbeat.missed > missed:
            self.misses += 1
            self.changed = True
        if isinstance(action, SendPing):
            self._ping(action)
        return action

    def hurry(self, now: float) -> None:
        """Ping at once, unless a ping may still be answered."""
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
                delivered=self.reader.pinged(self.heartbeat.outstanding),
            )
        )

    def alive(self, now: float) -> None:
        """A well-formed frame has come, other than a pong."""
        self.changed |= self.heartbeat.missed > 0
        self.heartbeat.traffic(now)
        self.last_life = now

    # ------------------------------------------------------------ the client's messages

    def receive(self, message: ClientMessage, now: float, *, online: int) -> None:
        """Serve a message. ``bye`` is the hub's, since it ends the session, and what takes
        time is that of :class:`.Requests`. Raises Miscount."""
        match message:
            case ClientPong():
                self._pong(message, now)
            case Received():
                self.alive(now)
                if self.reader.received(message.count):
                    self.connection.excuse_frame()  # there are as many as we send
            case ClientPing():
                self.alive(now)
                self._answer(message, online)
            case Visibility():
                self.alive(now)
                self.visibility = message.state
                self.changed = True
            case Hello():
                self.connection.malformed(
                    ErrorCode.INVALID_MESSAGE, "expected one hello only, at the start"
                )
            case Bye() | Join() | Leave() | RoomMessage():
                raise ValueError(f"{type(message).__name__} is not a session's to serve")

    def _pong(self, pong: ClientPong, now: float) -> None:
        latency = self.heartbeat.pong(pong.sequence, now)
        if latency is None:
            self.invalid_pongs += 1
            return
        self.connection.excuse_frame()  # there are as many as our pings
        self.pongs += 1
        self.latency_ms = round(latency * 1000, 2)
        self.last_life = now
        self.changed = True
        self.reader.ponged(pong.sequence, pong.received)

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
    """The record with the counts of the connection it takes over on this very worker,
    which the store has not heard of yet."""
    return replace(record, totals=older.totals)
