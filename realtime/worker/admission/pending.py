"""The records that admission works on."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from realtime.protocol.heartbeat import Policy
from realtime.protocol.messages import Hello
from realtime.protocol.position import Position
from realtime.store.records import Peer, Session

from ..connections.connection import Connection
from ..rooms.permissions import Permissions


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
    session can be resumed, and sizes in bytes."""

    policy: Policy
    resume_window: float
    max_message_size: int
    max_publication: int


@dataclass(frozen=True, slots=True)
class Identified:
    """A client that was identified. Revalidation checks ``login`` later unless it is None;
    ``end_code()`` checks it at once: None if the login still stands, else the close code."""

    peer: Peer
    permissions: Permissions
    login: Hashable
    end_code: Callable[[], Awaitable[int | None]]


# Identifies the client; None if its connection was ended because it may not connect.
Identify = Callable[[], Awaitable[Identified | None]]


@dataclass(frozen=True, slots=True)
class PendingSession:
    """A connection that has said ``hello`` and waits for its session. ``rooms`` are those that
    it may be in, with the positions it names; ``key`` is the connection's name in the store."""

    connection: Connection
    hello: Hello
    peer: Peer
    rooms: Mapping[str, Position | None]
    login: Hashable
    key: str
