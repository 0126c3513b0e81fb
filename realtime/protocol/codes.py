"""Close codes and error codes: the vocabulary of how things end and go wrong."""

from enum import Enum, IntEnum


class CloseCode(IntEnum):
    """Why a connection ended. ``docs/protocol.md`` has the client's side of the table."""

    NORMAL = 1000
    GOING_AWAY = 1001
    LOST = 1006  # never on the wire: the transport broke
    RESTARTING = 1012  # sent by servers other than ours
    SERVER_SHUTDOWN = 4001  # for servers that cannot send 1001
    HEARTBEAT_TIMEOUT = 4002
    SLOW_CONSUMER = 4003
    RATE_LIMIT = 4004
    NO_HELLO = 4005
    PAGE_FROZEN = 4006  # sent by the client
    MISCOUNT = 4007
    CREDENTIALS_CHANGED = 4008
    TRY_AGAIN_LATER = 4009
    DISCONNECTED = 4500
    NOT_AUTHENTICATED = 4501
    LOGGED_OUT = 4503
    TOO_MANY_SESSIONS = 4504
    PROTOCOL_ERRORS = 4505
    TAKEN_OVER = 4506

    @property
    def reason(self) -> str:
        """What the code means, in words for people; goes into ``goodbye`` and the close frame."""
        return REASONS[self]


REASONS: dict[CloseCode, str] = {
    CloseCode.NORMAL: "normal closure",
    CloseCode.GOING_AWAY: "server shutting down",
    CloseCode.LOST: "connection lost",
    CloseCode.RESTARTING: "server restarting",
    CloseCode.SERVER_SHUTDOWN: "server shutting down",
    CloseCode.HEARTBEAT_TIMEOUT: "heartbeat timeout",
    CloseCode.SLOW_CONSUMER: "slow consumer",
    CloseCode.RATE_LIMIT: "rate limit exceeded",
    CloseCode.NO_HELLO: "no hello in time",
    CloseCode.PAGE_FROZEN: "page frozen",
    CloseCode.MISCOUNT: "delivery count does not match",
    CloseCode.CREDENTIALS_CHANGED: "credentials changed",
    CloseCode.TRY_AGAIN_LATER: "try again later",
    CloseCode.DISCONNECTED: "disconnected by an administrator",
    CloseCode.NOT_AUTHENTICATED: "not authenticated",
    CloseCode.LOGGED_OUT: "logged out",
    CloseCode.TOO_MANY_SESSIONS: "too many sessions",
    CloseCode.PROTOCOL_ERRORS: "protocol errors",
    CloseCode.TAKEN_OVER: "session continued elsewhere",
}


FINAL = 4500  # after a code from here to 4999 the client stays away


def reason_for(code: int) -> str:
    """The reason in words for any code, also an application's own: ``"code 4700"``."""
    return REASONS[CloseCode(code)] if code in REASONS else f"code {code}"


# What a browser closes with when its page is closed or left: 1001 by itself, 1005 (a close frame
# without a code) where the page closes its socket before it goes, as our client does.
LEFT = frozenset({1001, 1005})


def reason_of_peer(code: int) -> str:
    """The same for a code that the peer has closed with: 1001 and 1005 are what a browser says
    when its page is closed or left, and no word about the server."""
    return "client went away" if code in LEFT else reason_for(code)


def is_final(code: int) -> bool:
    """Whether the client stays away after this code: 4500–4999. The others are retried."""
    return FINAL <= code <= 4999


def ends_session(code: int) -> bool:
    """Whether the session ends with a connection that the server closes with this code.

    Final codes end it, except 4506, which ends a connection only: the session
    lives on elsewhere. Every other end leaves it suspended, free to resume.
    A client's ``bye`` ends it too, whatever the code.
    """
    return is_final(code) and code != CloseCode.TAKEN_OVER


class ErrorCode(Enum):
    """What was wrong with a frame; the ``code`` of an ``error`` frame."""

    INVALID_JSON = "invalid_json"
    INVALID_MESSAGE = "invalid_message"
    UNKNOWN_TYPE = "unknown_type"
    NOT_READY = "not_ready"
    FORBIDDEN = "forbidden"
    NOT_JOINED = "not_joined"
    TOO_MANY_ROOMS = "too_many_rooms"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
