"""The message that a handler of the application serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from realtime.protocol.position import Position


@dataclass(slots=True)
class ServedMessage:
    """A client's message while its handler runs. ``position`` is that of the first publication
    that the handler, or a task or a thread of its own, has made in the message's room."""

    room: str
    position: Position | None = None

    @staticmethod
    @contextmanager
    def in_room(room: str) -> Iterator["ServedMessage"]:
        """Serve a message to this room within the block."""
        token = _current.set(served := ServedMessage(room))
        try:
            yield served
        finally:
            _current.reset(token)

    @staticmethod
    def note(room: str, position: Position) -> None:
        """Note a publication that was made in the name of a client."""
        served = _current.get()
        if served is not None and served.room == room and served.position is None:
            served.position = position


_current: ContextVar[ServedMessage | None] = ContextVar("served_message", default=None)
