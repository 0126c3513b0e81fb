"""WebSocket close codes and reasons (RFC 6455, 7.4.1 and 5.5)."""

NORMAL = 1000
GOING_AWAY = 1001
NO_STATUS = 1005
LOST = 1006
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011

# Registered codes below 3000 that a close frame may carry.
SENDABLE = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})

# A control frame carries at most 125 bytes, two of them the code.
REASON_LIMIT = 123


def check_close_code(code: int) -> int:
    """The code itself. Raises ValueError if a close frame cannot carry it."""
    if code not in SENDABLE and not 3000 <= code <= 4999:
        raise ValueError(f"{code} cannot be sent in a close frame")
    return code


def close_reason(reason: str) -> bytes:
    """The reason as valid UTF-8 of at most 123 bytes, cut between characters."""
    data = reason.encode("utf-8", "replace")[:REASON_LIMIT]
    return data.decode("utf-8", "ignore").encode("utf-8")
