"""The rooms of the client, over all connections: their handles, joins and messages."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from realtime.protocol.base import MAX_HELLO_ROOMS
from realtime.protocol.rooms import is_private

from .errors import RequestFailed, RoomLost, SendFailed
from .handle import RoomHandle
from .inbox import Inbox
from .line import RETRYABLE, LineRequest, RequestLine
from .outbox import RoomOutbox, UnsentMessage
from .presence import Presence, presence_after
from .subscription import JoinAsk, RoomSubscription

Frame = dict[str, Any]

MAX_UNSENT = 1000  # messages of all rooms


class OpenRoom:
    """A room with at least one handle."""

    def __init__(self, name: str, line: RequestLine) -> None:
        self.subscription = RoomSubscription(name)
        self.handles: list[RoomHandle] = []
        self.outbox = RoomOutbox(name, line)
        self.is_asking = False  # a join is queued, under way, or to be repeated
        self.asked: JoinAsk | None = None  # by the newest hello or join
        self.presence: Presence | None = None
        self.is_presence_asked = False  # on this connection

    @property
    def is_watched(self) -> bool:
        """Whether a reader wants to know the users in the room."""
        return any(handle.pictures for handle in self.handles)

    def on_presence(self, frame: Frame) -> None:
        """Hand the users in the room to the readers; changes count after a first answer."""
        if self.presence is None and "joined" in frame:
            return
        self.presence = presence_after(self.presence, frame)
        for handle in self.handles:
            for inbox in tuple(handle.pictures):
                inbox.put(self.presence)

    def lose(self) -> None:
        """The connection has ended."""
        self.is_asking, self.asked = False, None
        self.is_presence_asked = False
        if not self.is_watched:
            self.presence = None
        self.subscription.lose()
        self.outbox.lose()

    def end(self, make_error: Callable[[], Exception | None], refusal: SendFailed) -> None:
        """End all handles, each with an exception of ``make_error()``, and refuse the messages."""
        for handle in self.handles:
            handle.end(make_error())
        self.outbox.fail(refusal)


class JoinRequest(LineRequest):
    """A join of a room, until it is answered. ``done(answer)`` gets the final answer."""

    def __init__(
        self, room: OpenRoom, is_open: Callable[[], bool], done: Callable[[Frame], None]
    ) -> None:
        self._room = room
        self._is_open = is_open
        self._done = done

    def frame(self) -> Frame | None:
        room = self._room
        room.asked = room.subscription.next_ask() if self._is_open() else None
        room.is_asking = room.asked is not None
        if room.asked is None:
            return None
        return {"type": "join", "room": room.subscription.name, **room.asked.fields}

    def settle(self, answer: Frame) -> bool:
        if answer.get("code") in RETRYABLE:
            return False
        self._room.is_asking = False
        self._done(answer)
        return True


class PresenceRequest(LineRequest):
    """A question for the users in a room."""

    def __init__(self, room: OpenRoom, is_open: Callable[[], bool]) -> None:
        self._room = room
        self._is_open = is_open

    def frame(self) -> Frame | None:
        room = self._room.subscription.name
        return {"type": "presence", "room": room} if self._is_open() else None

    def settle(self, answer: Frame) -> bool:
        code = answer.get("code")
        if code in RETRYABLE:
            return False
        if code is None:
            self._room.on_presence(answer)
            return True
        self._room.is_presence_asked = False
        for handle in self._room.handles:
            handle.end_presence(RequestFailed(code, answer.get("detail", "")))
        return True


class LeaveRequest(LineRequest):
    """A leave, unless the room has been opened again meanwhile."""

    def __init__(self, name: str, is_open: Callable[[], bool]) -> None:
        self._name = name
        self._is_open = is_open

    def frame(self) -> Frame | None:
        return None if self._is_open() else {"type": "leave", "room": self._name}

    def settle(self, answer: Frame) -> bool:
        return answer.get("code") not in RETRYABLE


class OpenRooms:
    """All rooms with a handle. The client is in a room from its first handle to its last."""

    def __init__(self, line: RequestLine) -> None:
        self._line = line
        self._rooms: dict[str, OpenRoom] = {}

    def open(self, handle: RoomHandle) -> None:
        """Add a handle."""
        room = self._rooms.get(handle.name)
        if room is None:
            room = self._rooms[handle.name] = OpenRoom(handle.name, self._line)
        room.handles.append(handle)
        room.subscription.cursors.append(handle.cursor)
        self._ask(room)

    def close(self, handle: RoomHandle) -> None:
        """Remove a handle; the last one leaves the room, and its unsent messages fail."""
        room = self._rooms.get(handle.name)
        if room is None or handle not in room.handles:
            return
        room.handles.remove(handle)
        room.subscription.cursors.remove(handle.cursor)
        if room.handles:
            return
        del self._rooms[handle.name]
        room.outbox.fail(SendFailed("left", "the room was closed"))
        self._leave(handle.name)

    def watch(self, handle: RoomHandle, inbox: Inbox[Presence]) -> None:
        """Begin to hand the users in the room to a reader: those that are known, then changes."""
        room = self._rooms[handle.name]
        if room.presence:
            inbox.put(replace(room.presence, joined=(), left=()))
        self._ask_presence(room)

    def add(self, name: str, message: UnsentMessage) -> None:
        """Queue a message. Raises SendFailed if the room is closed or too many messages wait."""
        room = self._rooms.get(name)
        if room is None:
            raise SendFailed("not_joined", "the handle of this room is closed")
        if sum(len(each.outbox) for each in self._rooms.values()) >= MAX_UNSENT:
            raise SendFailed("queue_full", f"{MAX_UNSENT} messages wait already")
        room.outbox.add(message)

    def hello(self) -> Frame:
        """Return the ``rooms`` of a hello; those beyond its limit are joined after the welcome."""
        named = list(self._rooms.items())[:MAX_HELLO_ROOMS]
        for _, room in named:
            room.asked = room.subscription.next_ask()
        return {name: room.asked.entry for name, room in named if room.asked}

    def on_welcome(self, entries: dict[str, Frame]) -> None:
        """Apply the rooms of a welcome. The hello's answers settle most; a join asks for the rest,
        also for refused rooms: its answer has the reason."""
        for room in self._rooms.values():
            room.is_asking = False  # what was asked without a connection went nowhere
        for name, entry in entries.items():
            if name not in self._rooms:
                self._leave(name)  # closed since the hello
            else:
                self._on_joined(self._rooms[name], entry)
        for room in tuple(self._rooms.values()):
            self._ask(room)

    def on_frame(self, frame: Frame) -> None:
        """Apply a frame that answers no request; one with an id is late for a repeated one."""
        room = self._rooms.get(frame.get("room", ""))
        if room is None or "id" in frame or not room.subscription.joined:
            return
        match frame["type"]:
            case "publication":
                room.subscription.on_publication(frame)
                self._ask(room)
            case "joined":
                room.subscription.on_replaced(frame)
                self._ask(room)
            case "presence":
                room.on_presence(frame)
            case "left":
                self._drop(room, "forbidden", "the permission has ended")

    def lose(self) -> None:
        """The connection has ended; the next one goes on where each handle is."""
        for room in self._rooms.values():
            room.lose()

    def refuse(self, refusal: SendFailed) -> None:
        """Refuse the messages that wait in all rooms."""
        for room in self._rooms.values():
            room.outbox.fail(refusal)

    def end(self, make_error: Callable[[], Exception | None]) -> None:
        """End all rooms; ``make_error()`` returns an exception for each handle."""
        rooms, self._rooms = self._rooms, {}
        for room in rooms.values():
            room.end(make_error, SendFailed("disconnected", "the client has ended"))

    def _ask(self, room: OpenRoom) -> None:
        """Join if a handle waits for publications, unless an answer is awaited already."""
        waits = any(not cursor.synced for cursor in room.subscription.cursors)
        if not waits or room.is_asking:
            return
        room.is_asking = True
        name = room.subscription.name
        request = JoinRequest(
            room,
            lambda: self._rooms.get(name) is room,
            lambda answer: self._on_answer(room, answer),
        )
        self._line.submit(request)

    def _leave(self, name: str) -> None:
        if not is_private(name):
            self._line.submit(LeaveRequest(name, lambda: name in self._rooms))

    def _on_answer(self, room: OpenRoom, answer: Frame) -> None:
        if self._rooms.get(room.subscription.name) is not room:
            return
        if "code" in answer:
            self._drop(room, answer["code"], answer.get("detail", ""))
            return
        self._on_joined(room, answer)
        self._ask(room)

    def _on_joined(self, room: OpenRoom, entry: Frame) -> None:
        if room.asked:
            room.subscription.on_joined(room.asked, entry)
            room.outbox.open()
            self._ask_presence(room)

    def _ask_presence(self, room: OpenRoom) -> None:
        if room.is_presence_asked or not (room.subscription.joined and room.is_watched):
            return
        room.is_presence_asked = True
        name = room.subscription.name
        self._line.submit(PresenceRequest(room, lambda: self._rooms.get(name) is room))

    def _drop(self, room: OpenRoom, code: str, detail: str) -> None:
        del self._rooms[room.subscription.name]
        room.end(lambda: RoomLost(code, detail), SendFailed(code, detail))
