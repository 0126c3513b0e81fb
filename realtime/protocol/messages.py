"""The messages of both directions, defined once."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from .base import (
    MAX_HELLO_ROOMS,
    AuthToken,
    Concealing,
    Count,
    Integer,
    Label,
    Message,
    Secret,
    VisibilityState,
)
from .codes import CloseCode, is_final, reason_for
from .position import Position, Rewind, RewindCount, RoomStart, Start
from .presence_messages import PresenceFrame, WatchPresence
from .request_messages import Cancel, ClientRequest, RawClientRequest, Reply, ReplyReceived
from .room_messages import Acks, RawRoomMessages, RoomMessages

VERSION = 1
SUBPROTOCOL = "realtime.v1"

# ---------------------------------------------------------------- from the client


class Resume(Concealing, frozen=True):
    """The session to continue, and the token that proves it is the client's own. ``turn`` rises
    with every attempt, so that an abandoned attempt cannot take the session from a later one.
    Without it the attempt counts as the newest."""

    session: Secret
    token: Secret
    turn: Count | None = None


class Hello(Message, frozen=True, tag="hello"):
    """The first frame of every connection. ``rooms`` are all rooms of the client, and where it
    begins in each; null joins at the end of the log. With ``auth``, the token of the client's
    login, the cookie counts for nothing."""

    protocol: Integer
    client: Label = ""
    resume: Resume | None = None
    rooms: Annotated[dict[str, RoomStart | None], msgspec.Meta(max_length=MAX_HELLO_ROOMS)] = {}
    visibility: VisibilityState = "visible"
    auth: AuthToken | None = None

    @property
    def starts(self) -> dict[str, Start]:
        """Where the client begins in each of its rooms."""
        return {room: given.start if given else None for room, given in self.rooms.items()}


class Auth(Message, frozen=True, tag="auth"):
    """Brings the token of a new login of the same user, before the present one expires."""

    auth: AuthToken


class ClientPong(Message, frozen=True, tag="pong"):
    """Answers a server's ping; ``received`` counts publications since ``welcome``."""

    sequence: Count
    timestamp: Label = ""
    client_time: Integer = 0
    received: Count = 0
    ping_count: Count = 0


class ClientPing(Message, frozen=True, tag="ping"):
    """The client's own ping."""

    sequence: Count
    client_time: Integer = 0


class Received(Message, frozen=True, tag="received"):
    """Acknowledges publications between two pings; ``count`` is of all since ``welcome``."""

    count: Count


class Join(Message, frozen=True, tag="join"):
    """Joins a room: after a position, with the last ``rewind`` publications, or at the end of the
    log. Raises ValueError for both."""

    id: Integer
    room: str
    position: Position | None = None
    rewind: RewindCount | None = None

    def __post_init__(self) -> None:
        if self.position is not None and self.rewind is not None:
            raise ValueError("expected a position or rewind, not both")

    @property
    def start(self) -> Start:
        """Where the client begins in the room."""
        return self.position if self.rewind is None else Rewind(self.rewind)


class Leave(Message, frozen=True, tag="leave"):
    """Leaves a room."""

    id: Integer
    room: str


class RoomMessage(Message, frozen=True, tag="message"):
    """A client's message to a room; it has the same ``key`` whenever it is sent again."""

    id: Integer
    room: str
    data: Any
    key: Secret


class RawRoomMessage(Message, frozen=True, tag="message"):
    """:class:`RoomMessage` with undecoded data, which may be too large to decode."""

    id: Integer
    room: str
    data: msgspec.Raw
    key: Secret


class Visibility(Message, frozen=True, tag="visibility"):
    """Says that the page was shown, hidden, or is about to be frozen."""

    state: VisibilityState


class Bye(Message, frozen=True, tag="bye"):
    """Ends the session: the client leaves for good."""


Request = Join | Leave | WatchPresence | RoomMessage | RoomMessages
_Heartbeat = ClientPong | ClientPing | Received | Visibility
_Control = Hello | Auth | Join | Leave | WatchPresence | Cancel | ReplyReceived | Bye
_PlainMessage = _Control | _Heartbeat
ClientMessage = _PlainMessage | RoomMessage | RoomMessages | ClientRequest
UnreadMessage = _PlainMessage | RawRoomMessage | RawRoomMessages | RawClientRequest

# ---------------------------------------------------------------- from the server


class JoinResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """A client's position in a room it has joined: ``offset`` is the newest of the log.

    ``recovered`` is set if the client gave a position, and says whether everything after that
    position follows. If not, ``reason`` is a :class:`.Gap`, and delivery starts after ``offset``.
    ``after`` is set if the client has asked for a rewind, which begins after this offset.
    """

    epoch: str
    offset: int
    recovered: bool | None = None
    reason: str | None = None
    after: int | None = None


class Welcome(Message, frozen=True, tag="welcome"):
    """Answers ``hello`` once the session is in the store. Durations are in milliseconds."""

    session: str
    token: str
    resumed: bool
    user: str | None
    ping_interval: int
    pong_timeout: int
    max_missed: int
    resume_window: int
    window: int
    window_bytes: int
    max_message_size: int
    max_publication: int
    message_rate: int
    server_time: int
    rooms: dict[str, JoinResult]
    protocol: int = VERSION


class Ping(Message, frozen=True, tag="ping"):
    """Asks for a pong. ``delivered`` counts the publications sent to this connection."""

    sequence: int
    timestamp: str
    server_time: int
    delivered: int = 0


class Pong(Message, frozen=True, tag="pong"):
    """Answers the client's own ping; ``online`` is a second or two old."""

    sequence: int
    client_time: int
    server_time: int
    timestamp: str
    online: int
    status: str = "pong"


class Notice(Message, frozen=True, tag="notice"):
    """Says that the server cannot reach its store (``degraded``), or can again (``ok``); the
    connection stays."""

    state: Literal["degraded", "ok"]


class AuthExpiring(Message, frozen=True, tag="auth_expiring"):
    """Says that the login expires in so many milliseconds; the client answers with ``auth``."""

    in_ms: int = msgspec.field(name="in")


class Joined(Message, frozen=True, tag="joined", omit_defaults=True):
    """Says that the client is in a room; see :class:`JoinResult`. Without an ``id`` it answers no
    request: publications were lost, and delivery continues after ``offset``."""

    room: str
    epoch: str
    offset: int
    recovered: bool | None = None
    reason: str | None = None
    after: int | None = None
    id: int | None = None


class Left(Message, frozen=True, tag="left", omit_defaults=True):
    """Says that the client has left a room; without an ``id``, a permission has ended."""

    room: str
    id: int | None = None


class Publication(Message, frozen=True, tag="publication", omit_defaults=True):
    """Carries one entry of a room's log; ``time`` is the store's, in epoch milliseconds. One that
    belongs to a rewind is ``replayed``."""

    room: str
    offset: int
    time: int
    data: msgspec.Raw
    replayed: bool = False


class Ack(Message, frozen=True, tag="ack", omit_defaults=True):
    """Says that a client's message is stored for good, and where; without a position, nothing was
    published in its room."""

    id: int
    position: Position | None = None


class Goodbye(Message, frozen=True, tag="goodbye", omit_defaults=True):
    """Says why the connection is about to close: not every server can send a close reason. A
    returning client waits for a random time within ``delay``, in milliseconds, so that after a
    restart not all clients come back at once."""

    code: int
    reason: str
    reconnect: bool
    delay: tuple[int, int] | None = None


BINARY = 0  # the id of an error about a binary frame; requests of our client begin at 1


class Error(Message, frozen=True, tag="error", omit_defaults=True):
    """Says why a frame, or a room of ``hello``, could not be served; ``detail`` is for people."""

    code: str
    detail: str
    id: int | None = None
    room: str | None = None


ServerMessage = (
    Welcome
    | Ping
    | Pong
    | Notice
    | AuthExpiring
    | Joined
    | Left
    | PresenceFrame
    | Publication
    | Ack
    | Acks
    | Reply
    | Goodbye
    | Error
)


def goodbye(code: int, reason: str = "", delay_ms: tuple[int, int] | None = None) -> Goodbye:
    """Return the message for a close code; an empty reason becomes the code's own."""
    # This side closes with 1000 only after the client's own bye.
    reconnect = not is_final(code) and code != CloseCode.NORMAL
    return Goodbye(
        code=code, reason=reason or reason_for(code), reconnect=reconnect, delay=delay_ms
    )


_encoder = msgspec.json.Encoder()


def encode(message: ServerMessage) -> str:
    """Return the text frame of a message."""
    return _encoder.encode(message).decode()


def timestamp(epoch_ms: int) -> str:
    """Return epoch milliseconds as ``2026-11-20T12:00:00.000Z``, for people and logs."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}Z"
