"""The demo's rooms: whoever is logged in may join and speak in ``chat:*``, and nowhere else."""

from msgspec.structs import replace

from realtime.consumers import RealtimeConsumer, Refused
from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import RoomMessage

LONGEST_TEXT, LONGEST_TAG = 500, 100  # characters


class ChatConsumer(RealtimeConsumer):
    """What is said is ``{"text", "tag"}``, and is published with the ``name`` of who says it.

    The ``tag`` is the page's own: by it the page knows what it said itself.
    """

    async def authorize(self, room: str, action: str) -> bool:
        # A demo: a project looks whether there is such a room.
        return bool(self.peer.user) and room.startswith("chat:")

    async def receive_message(self, message: RoomMessage) -> None:
        match message.data:
            case {"text": str(text), "tag": str(tag)}:
                if not text.strip() or len(text) > LONGEST_TEXT or len(tag) > LONGEST_TAG:
                    raise Refused("expected a text, and not so much", ErrorCode.INVALID_MESSAGE)
            case _:
                raise Refused("expected text and tag", ErrorCode.INVALID_MESSAGE)
        data = {"name": self.peer.username, "text": text, "tag": tag}
        await super().receive_message(replace(message, data=data))
