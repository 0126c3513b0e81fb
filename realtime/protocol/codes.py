"""Close codes of connections, and error codes of frames that could not be served."""

from enum import Enum, IntEnum


class CloseCode(IntEnum):
    """Why a connection ended; ``docs/protocol.md`` says what a client does about each."""

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
    ORIGIN_REFUSED = 4502
    LOGGED_OUT = 4503
    TOO_MANY_SESSIONS = 4504
    PROTOCOL_ERRORS = 4505
    TAKEN_OVER = 4506

    @property
    def reason(self) -> str:
        """The code in words, for ``goodbye`` and the close frame."""
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
    CloseCode.ORIGIN_REFUSED: "origin not allowed",
    CloseCode.LOGGED_OUT: "logged out",
    CloseCode.TOO_MANY_SESSIONS: "too many sessions",
    CloseCode.PROTOCOL_ERRORS: "protocol errors",
    CloseCode.TAKEN_OVER: "session continued elsewhere",
}


FINAL = 4500  # after codes from here to 4999 a client does not reconnect


def reason_for(code: int) -> str:
    """Return any code in words; an application's own as ``"code 4700"``."""
    return REASONS[CloseCode(code)] if code in REASONS else f"code {code}"


# Codes of a browser whose page is closed or left: 1001 by itself, 1005 (a close frame without a
# code) if the page closes its socket first, as our client does.
PAGE_LEFT = frozenset({1001, 1005})


def reason_of_peer(code: int) -> str:
    """Return the peer's close code in words; from a browser, 1001 is not about the server."""
    return "client went away" if code in PAGE_LEFT else reason_for(code)


def is_final(code: int) -> bool:
    """Return whether clients do not reconnect after this code: 4500–4999."""
    return FINAL <= code <= 4999


def ends_session(code: int) -> bool:
    """Return whether a connection that the server closes with this code ends its session. Final
    codes do, except 4506: the session continues on another connection. After any other code it is
    suspended and can be resumed. A client's ``bye`` ends it, too."""
    return is_final(code) and code != CloseCode.TAKEN_OVER


class ErrorCode(Enum):
    """Why a frame was not served; the ``code`` of an ``error`` frame."""

    INVALID_JSON = "invalid_json"
    INVALID_MESSAGE = "invalid_message"
    UNKNOWN_TYPE = "unknown_type"
    NOT_READY = "not_ready"
    FORBIDDEN = "forbidden"
    NOT_JOINED = "not_joined"
    TOO_MANY_ROOMS = "too_many_rooms"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    UNKNOWN_REQUEST = "unknown_request"
    TOO_MANY_REQUESTS = "too_many_requests"
    FAILED = "failed"
