"""The consumer that projects subclass, and the names that its methods work with."""

from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import RoomMessage
from realtime.protocol.request_messages import ClientRequest
from realtime.security.authentication import ANONYMOUS, Login
from realtime.security.origin import headers_of
from realtime.worker.rooms.permissions import Refused

from .consumer import RealtimeConsumer

__all__ = [
    "ANONYMOUS",
    "ClientRequest",
    "ErrorCode",
    "Login",
    "RealtimeConsumer",
    "Refused",
    "RoomMessage",
    "headers_of",
]
