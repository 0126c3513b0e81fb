"""All that travels on the connections of a client."""

from collections.abc import Callable
from weakref import WeakSet

from .calls import OpenCalls
from .errors import SendFailed
from .inbox import Inbox
from .line import RATE, RequestLine
from .rooms import OpenRooms
from .socket import ClientSocket, Frame


class ClientTraffic:
    """Rooms with their messages, requests, and binary frames, over all connections."""

    def __init__(self) -> None:
        self._line = RequestLine()
        self._user: object = None  # of the newest welcome
        self.rooms = OpenRooms(self._line)
        self.calls = OpenCalls(self._line)
        self.binary: WeakSet[Inbox[bytes]] = WeakSet()  # one for each reader

    def hello(self) -> Frame:
        """Return the ``rooms`` of a hello."""
        return self.rooms.hello()

    def open(self, socket: ClientSocket, welcome: Frame) -> None:
        """Go on with a connection that has been welcomed."""
        user, self._user = self._user, welcome["user"]
        if user != self._user:  # a token may lead to another one
            self.rooms.refuse(SendFailed("disconnected", "the login is another user's now"))
        self._line.open(
            socket,
            message_rate=welcome.get("message_rate", RATE),
            max_size=welcome["max_message_size"],
        )
        self.rooms.on_welcome(welcome["rooms"])
        self.calls.open(socket, welcome)

    def on_frame(self, frame: Frame, size: int) -> None:
        """Hand a frame to the part that it is for; those of later versions are for none."""
        if not self._line.on_frame(frame) and not self.calls.on_frame(frame, size):
            self.rooms.on_frame(frame)

    def on_bytes(self, data: bytes) -> None:
        """Hand a binary frame to every reader."""
        for inbox in self.binary:
            inbox.put(data)

    def lose(self) -> None:
        """The connection has ended."""
        self._line.close()
        self.rooms.lose()
        self.calls.lose()

    def end(
        self, make_error: Callable[[], Exception | None], make_refusal: Callable[[], Exception]
    ) -> None:
        """End all readers, each with an exception of ``make_error()``. Messages are refused, and
        requests, each with an exception of ``make_refusal()``."""
        self.rooms.end(make_error)
        self.calls.end(make_refusal)
        for inbox in self.binary:
            inbox.end(make_error())
