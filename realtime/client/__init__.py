"""The client for Python programs: ``pip install channels-realtime[client]``.

It needs asyncio and websockets, and imports no Django. ``python -m realtime.client --help`` follows
rooms from a shell.
"""

from realtime.protocol.position import Position

from .backoff import Backoff
from .client import RealtimeClient
from .errors import (
    Behind,
    ClientError,
    Disconnected,
    RequestFailed,
    Resync,
    RoomLost,
    SendFailed,
)
from .handle import RoomHandle
from .presence import Presence, PresentUser
from .subscription import IncomingMessage

__all__ = [
    "Backoff",
    "Behind",
    "ClientError",
    "Disconnected",
    "IncomingMessage",
    "Position",
    "Presence",
    "PresentUser",
    "RealtimeClient",
    "RequestFailed",
    "Resync",
    "RoomHandle",
    "RoomLost",
    "SendFailed",
]
