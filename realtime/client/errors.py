"""The exceptions of the client. All of them are :class:`ClientError`."""

from realtime.protocol.position import Position


class ClientError(Exception):
    """An error of the client; every exception that it raises at runtime is one."""


class Disconnected(ClientError):
    """The client has ended and does not come back: ``code`` is the server's close code, 1006 if it
    sent none; ``reason`` is for people."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason} ({self.code})"


class AnsweredError(ClientError):
    """An answer that refuses something: ``code`` is for programs, ``detail`` for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code


class SendFailed(AnsweredError):
    """A message was refused, or will not be sent (again). The code ``unknown`` says that the server
    may have published it or not; all others that it has not, except for a message that was under
    way when the client ended (``disconnected``), or when the room was closed (``left``) or lost."""


class RequestFailed(AnsweredError):
    """A request has no answer, or no further parts. ``lost``: the connection ended meanwhile."""


class RoomLost(AnsweredError):
    """The client is not in the room, or no longer: the join was refused with this code, the user's
    permission has ended (``forbidden``), or the handle (``left``, by ``joined()`` alone)."""


class Resync(ClientError):
    """Publications are missing: load the state anew, then iterate on.

    ``reason`` is ``expired``, ``epoch_changed`` or ``ahead``, as ``docs/protocol.md`` defines them,
    or ``unknown`` for a ``since`` of ``""``. ``initial`` says that it concerns the position that
    the handle began with. Publications go on after ``position``.
    """

    def __init__(self, reason: str, *, initial: bool, position: Position) -> None:
        super().__init__(reason)
        self.reason = reason
        self.initial = initial
        self.position = position


class Behind(ClientError):
    """The reader is too slow: 1,000 items wait unread, and the handle has ended. A new handle with
    ``since=room.position`` goes on after the last one that was read."""
