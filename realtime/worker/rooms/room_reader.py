"""The reading end of a connection: the member of all the rooms that its session is in."""

from collections.abc import Callable

from realtime.protocol.messages import Joined, JoinResult
from realtime.protocol.position import Gap, Position
from realtime.protocol.window import WINDOW, WINDOW_BYTES, DeliveryMismatch, Window

from ..connections.connection import Connection
from .log_view import LoggedPublication
from .rooms import Rooms


class RoomReader:
    """Hands publications to one connection, as far as its window is open.

    The peer opens it by saying how many it has received: in every pong, and in between.
    When the window is found full ``hurry`` is called, to ask the peer. ``names`` are the
    rooms; they stay when it has stopped.
    """

    __slots__ = (
        "_address",
        "_connection",
        "_pinged",
        "_refused",
        "_rooms",
        "_window",
        "hurry",
        "names",
    )

    def __init__(self, rooms: Rooms, connection: Connection) -> None:
        self._rooms = rooms
        self._window = Window(size=WINDOW, size_bytes=WINDOW_BYTES)
        self._address: Callable[[Connection], None] = rooms.mailing.add
        self._connection = connection
        self._pinged: dict[int, int] = {}  # sequence of a ping → what it said was delivered
        self._refused = False
        self.hurry: Callable[[], None] = _nothing
        self.names: set[str] = set()

    # ------------------------------------------------------------ as a member of its rooms

    def offer(self, room: str, publication: LoggedPublication, *, replayed: bool) -> bool:
        """Whether the window is open for this one; then it is sent: what is new for all of
        the room goes out in one go."""
        if not self._window.admit(publication.size):
            self._refused = True
            self.hurry()
            return False
        if replayed:
            self._connection.deliver(publication.encoded)
        else:
            self._address(self._connection)
        return True

    def tell(self, room: str, top: Position, gap: Gap) -> None:
        """Say what is lost, unasked: the peer goes on from ``top``."""
        self._connection.send(
            Joined(room=room, epoch=top.epoch, offset=top.offset, recovered=False, reason=gap.value)
        )

    # ------------------------------------------------------------ coming and going

    def enter(self, room: str, position: Position | None) -> JoinResult:
        """Join a prepared room, or join it again; the answer is to be sent before the next
        pause."""
        entry = self._rooms.enter(self, room, position)
        self.names.add(room)
        return entry

    def leave(self, room: str) -> None:
        """Be in this room no more."""
        self._rooms.leave(self, room)
        self.names.discard(room)

    def stop(self) -> None:
        """Be handed nothing any more."""
        self._rooms.leave_all(self, self.names)
        self.hurry = _nothing

    # ------------------------------------------------------------ what the peer has received

    @property
    def delivered(self) -> int:
        """Publications that were handed over."""
        return self._window.delivered

    def pinged(self, outstanding: tuple[int, ...]) -> int:
        """What the ping says was delivered that is the last of the ``outstanding`` ones."""
        delivered = self._window.delivered
        self._pinged[outstanding[-1]] = delivered
        while len(self._pinged) > len(outstanding):
            del self._pinged[next(iter(self._pinged))]
        return delivered

    def ponged(self, sequence: int, received: int) -> None:
        """The valid answer to a ping. The line keeps the order, so what was received is exactly
        what was delivered before the ping. Raises Miscount."""
        delivered = self._pinged.pop(sequence)
        if received != delivered:
            raise DeliveryMismatch(f"{received} in the answer to a ping that said {delivered}")
        if self._pinged:
            self._pinged = {s: count for s, count in self._pinged.items() if s > sequence}
        if self.names:
            self._rooms.audit_soon(self.names)
        self.received(received)

    def received(self, count: int) -> bool:
        """The peer's count, of all since it was welcomed; whether it is news. Raises Miscount."""
        news = self._window.answer(count)
        if self._refused and news:
            self._refused = False
            self._rooms.wake(self, self.names)
        elif self._refused:
            self.hurry()
        return news


def _nothing() -> None:
    """Nobody to ask."""
