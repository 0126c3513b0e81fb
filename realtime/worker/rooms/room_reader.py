"""Delivers publications to one connection: the member of all the rooms of its session."""

from collections.abc import Callable

from realtime.protocol.messages import Joined, JoinResult
from realtime.protocol.position import Gap, Position, Start
from realtime.protocol.window import WINDOW, WINDOW_BYTES, DeliveryMismatch, Window

from ..connections.connection import Connection
from .encoding import EncodedPublication
from .rooms import Rooms


class RoomReader:
    """Sends publications as far as the connection's flow control window allows.

    The peer opens the window with its count of received publications, in every pong and in
    between. When the window is full ``request_ping()`` is called, so that the peer answers.
    ``room_names`` are the session's rooms; they stay after :meth:`stop`.
    """

    __slots__ = (
        "_add_recipient",
        "_blocked",
        "_connection",
        "_delivered_at_ping",
        "_rooms",
        "_window",
        "request_ping",
        "room_names",
    )

    def __init__(self, rooms: Rooms, connection: Connection) -> None:
        self._rooms = rooms
        self._window = Window(size=WINDOW, size_bytes=WINDOW_BYTES)
        self._add_recipient: Callable[[Connection], None] = rooms.broadcast.add
        self._connection = connection
        self._delivered_at_ping: dict[int, int] = {}  # by the ping's sequence, oldest first
        self._blocked = False  # a publication was refused since the last count of the peer
        self.request_ping: Callable[[], None] = lambda: None
        self.room_names: set[str] = set()

    # ------------------------------------------------------------ as a member of its rooms

    def offer(self, room: str, publication: EncodedPublication, *, replayed: bool) -> bool:
        """Take a publication if the window is open for it; see :meth:`.Member.offer`. A replayed
        one is sent at once, any other one by the broadcast to all of the room."""
        if not self._window.admit(publication.size):
            self._blocked = True
            self.request_ping()
            return False
        if replayed:
            self._connection.deliver(publication.encoded)
        else:
            self._add_recipient(self._connection)
        return True

    def on_gap(self, room: str, top: Position, gap: Gap) -> None:
        """Send an unrequested ``joined``: the client continues at ``top``."""
        self._connection.send(
            Joined(room=room, epoch=top.epoch, offset=top.offset, recovered=False, reason=gap.value)
        )

    # ------------------------------------------------------------ joining and leaving

    def join(self, room: str, start: Start) -> JoinResult:
        """Join a prepared room, or join it again. Send the result before the next await."""
        result = self._rooms.join(self, room, start)
        self.room_names.add(room)
        return result

    def leave(self, room: str) -> None:
        """Leave a room."""
        self._rooms.leave(self, room)
        self.room_names.discard(room)

    def stop(self) -> None:
        """Leave all rooms, but keep ``room_names``."""
        self._rooms.leave_all(self, self.room_names)
        self.request_ping = lambda: None

    # ------------------------------------------------------------ what the peer has received

    @property
    def delivered(self) -> int:
        """Publications delivered since the welcome."""
        return self._window.delivered

    def on_ping(self, outstanding: tuple[int, ...]) -> int:
        """Return the count for the ping that is about to be sent, the last ``outstanding`` one."""
        delivered = self._window.delivered
        self._delivered_at_ping[outstanding[-1]] = delivered
        while len(self._delivered_at_ping) > len(outstanding):
            del self._delivered_at_ping[next(iter(self._delivered_at_ping))]
        return delivered

    def on_pong(self, sequence: int, received: int) -> None:
        """Apply the count of a valid pong. Frames stay in order, so the peer has received
        exactly what was delivered before the ping. Raises DeliveryMismatch if not."""
        delivered = self._delivered_at_ping.pop(sequence)
        if received != delivered:
            raise DeliveryMismatch(f"{received} in the answer to a ping that said {delivered}")
        if self._delivered_at_ping:
            later = {s: count for s, count in self._delivered_at_ping.items() if s > sequence}
            self._delivered_at_ping = later
        if self.room_names:
            self._rooms.request_audit(self.room_names)
        self.on_received(received)

    def on_received(self, count: int) -> bool:
        """Apply the peer's count of all since the welcome; return whether it rose. Raises
        DeliveryMismatch."""
        is_new = self._window.acknowledge(count)
        if self._blocked and is_new:
            self._blocked = False
            self._rooms.on_ready(self, self.room_names)
        elif self._blocked:
            self.request_ping()
        return is_new
