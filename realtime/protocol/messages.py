"""The messages, defined once: what may travel in either direction."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from .codes import CloseCode, is_final, reason_for
from .json_limits import MAX_INTEGER
from .position import Position

VERSION = 1
SUBPROTOCOL = "realtime.v1"

MOST_ROOMS = 1000  # of a hello: for each there may be an error to send


def largest_hello(rooms: int) -> int:
    """Bytes that suffice for a ``hello`` with so many rooms, each with the longest name, epoch and
    offset, as encoders write it that put blanks between."""
    return 2_144 + 260 * rooms


LARGEST_HELLO = largest_hello(MOST_ROOMS)  # 256 KiB

Integer = Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
Label = Annotated[str, msgspec.Meta(max_length=100)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
VisibilityState = Literal["visible", "hidden", "frozen"]


class Message(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=False):
    """One JSON object on the wire; ``type`` names the subclass."""


# ---------------------------------------------------------------- from the client


class Resume(msgspec.Struct, frozen=True):
    """The session a client wants to continue, and the secret that proves it is its own.

    ``turn`` rises with every attempt of the client, so that an attempt that the client has given
    up on takes nothing from a later one. Without it the attempt counts as the newest."""

    session: Secret
    token: Secret
    turn: Count | None = None


class Hello(Message, frozen=True, tag="hello"):
    """The first frame of every connection. ``rooms`` are all it is in, each with how far it
    has got; without a position it is in the room from now on."""

    protocol: Integer
    client: Label = ""
    resume: Resume | None = None
    rooms: Annotated[dict[str, Position | None], msgspec.Meta(max_length=MOST_ROOMS)] = {}
    visibility: VisibilityState = "visible"


class ClientPong(Message, frozen=True, tag="pong"):
    """The answer to a server's ping; ``received`` counts publications since ``welcome``."""

    sequence: Count
    timestamp: Label = ""
    client_time: Integer = 0
    received: Count = 0
    ping_count: Count = 0


class ClientPing(Message, frozen=True, tag="ping"):
    """The client's own probe of the line."""

    sequence: Count
    client_time: Integer = 0


class Received(Message, frozen=True, tag="received"):
    """Between two beats: so many publications since ``welcome``."""

    count: Count


class Join(Message, frozen=True, tag="join"):
    """Be in a room, from a position or from now on."""

    id: Integer
    room: str
    position: Position | None = None


class Leave(Message, frozen=True, tag="leave"):
    """Be in a room no more."""

    id: Integer
    room: str


class RoomMessage(Message, frozen=True, tag="message"):
    """What a client has to say in a room; ``key`` is the same whenever it is sent again."""

    id: Integer
    room: str
    data: Any
    key: Secret


class RawRoomMessage(Message, frozen=True, tag="message"):
    """:class:`RoomMessage` with its data as it came, which may be too much to be read."""

    id: Integer
    room: str
    data: msgspec.Raw
    key: Secret


class Visibility(Message, frozen=True, tag="visibility"):
    """The page was shown, hidden, or is about to be frozen."""

    state: VisibilityState


class Bye(Message, frozen=True, tag="bye"):
    """The client leaves for good: its session ends."""


Request = Join | Leave | RoomMessage
ClientMessage = Hello | ClientPong | ClientPing | Received | Request | Visibility | Bye
UnreadMessage = (
    Hello | ClientPong | ClientPing | Received | Join | Leave | RawRoomMessage | Visibility | Bye
)

# ---------------------------------------------------------------- from the server


class JoinResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a client is in a room it has joined: ``offset`` is the newest of the log.

    ``recovered`` is there if the client said how far it had got: whether everything after
    that follows. If not, ``reason`` is why, and what follows comes after ``offset``.
    """

    epoch: str
    offset: int
    recovered: bool | None = None
    reason: str | None = None


class Welcome(Message, frozen=True, tag="welcome"):
    """The answer to ``hello``: the session is in the store. Durations in milliseconds."""

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
    server_time: int
    rooms: dict[str, JoinResult]
    protocol: int = VERSION


class Ping(Message, frozen=True, tag="ping"):
    """A beat. ``delivered`` counts the publications handed to this connection."""

    sequence: int
    timestamp: str
    server_time: int
    delivered: int = 0


class Pong(Message, frozen=True, tag="pong"):
    """The answer to the client's own ping; ``online`` is a second or two old."""

    sequence: int
    client_time: int
    server_time: int
    timestamp: str
    online: int
    status: str = "pong"


class Notice(Message, frozen=True, tag="notice"):
    """The connection stays, but the server cannot reach its store (``degraded``), or can
    again (``ok``)."""

    state: Literal["degraded", "ok"]


class Joined(Message, frozen=True, tag="joined", omit_defaults=True):
    """A client is in a room; see :class:`JoinResult`. Without an ``id`` nobody has asked: what it
    was about to get is lost."""

    room: str
    epoch: str
    offset: int
    recovered: bool | None = None
    reason: str | None = None
    id: int | None = None


class Left(Message, frozen=True, tag="left", omit_defaults=True):
    """A client is in a room no more; without an ``id`` nobody has asked: a right has ended."""

    room: str
    id: int | None = None


class Publication(Message, frozen=True, tag="publication"):
    """One entry of a room's log; ``time`` is the store's, in epoch milliseconds."""

    room: str
    offset: int
    time: int
    data: msgspec.Raw


class Ack(Message, frozen=True, tag="ack"):
    """The server has a client's message, for good."""

    id: int


class Goodbye(Message, frozen=True, tag="goodbye", omit_defaults=True):
    """Says why before the close, because not every server can send a reason with it.

    ``delay`` is the window in milliseconds from which a returning client picks a
    random moment, so that a restart does not bring everybody back at once.
    """

    code: int
    reason: str
    reconnect: bool
    delay: tuple[int, int] | None = None


BINARY = 0  # the id of an error about a binary frame; requests of our client begin at 1


class Error(Message, frozen=True, tag="error", omit_defaults=True):
    """The answer to a frame that could not be served, or about a room of ``hello``.
    ``detail`` is for people."""

    code: str
    detail: str
    id: int | None = None
    room: str | None = None


ServerMessage = Welcome | Ping | Pong | Notice | Joined | Left | Publication | Ack | Goodbye | Error


def goodbye(code: int, reason: str = "", delay_ms: tuple[int, int] | None = None) -> Goodbye:
    """The farewell for a close code; an empty reason becomes the code's own."""
    # 1000 is said by this side only in answer to the client's own bye.
    reconnect = not is_final(code) and code != CloseCode.NORMAL
    return Goodbye(
        code=code, reason=reason or reason_for(code), reconnect=reconnect, delay=delay_ms
    )


_encoder = msgspec.json.Encoder()


def encode(message: ServerMessage) -> str:
    """The text frame for a message."""
    return _encoder.encode(message).decode()


def timestamp(epoch_ms: int) -> str:
    """Epoch milliseconds as ``2026-11-20T12:00:00.000Z``, for people and logs."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}Z"
