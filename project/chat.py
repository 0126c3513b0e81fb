"""The consumer of the demo: users who are logged in may join and publish in rooms ``chat:…``, and
search the documentation."""

from typing import Any

from msgspec.structs import replace

from project import documents
from realtime.consumers import (
    ClientRequest,
    ErrorCode,
    RealtimeConsumer,
    Refused,
    RoomMessage,
)

LONGEST_TEXT, LONGEST_TAG, LONGEST_SEARCH = 500, 100, 100  # characters


class ChatConsumer(RealtimeConsumer):
    """Publishes messages ``{"text", "tag"}`` with the sender's ``name``, and lists users by theirs.

    By the ``tag``, which a page chooses, it recognizes its own messages.
    """

    async def authorize(self, room: str, action: str) -> bool:
        # A real project checks that the room exists.
        return bool(self.peer.user) and room.startswith("chat:")

    async def describe_presence(self, room: str, user: str) -> dict[str, Any]:
        return {"name": self.peer.username}

    async def receive_message(self, message: RoomMessage) -> None:
        match message.data:
            case {"text": str(text), "tag": str(tag)}:
                if not text.strip() or len(text) > LONGEST_TEXT or len(tag) > LONGEST_TAG:
                    raise Refused("expected a text, and a shorter one", ErrorCode.INVALID_MESSAGE)
            case _:
                raise Refused("expected text and tag", ErrorCode.INVALID_MESSAGE)
        data = {"name": self.peer.username, "text": text, "tag": tag}
        await super().receive_message(replace(message, data=data))

    async def receive_request(self, request: ClientRequest) -> Any:
        if request.name != "documents.search":
            return await super().receive_request(request)
        match request.data:
            case {"text": str(text)} if text.strip() and len(text) <= LONGEST_SEARCH:
                return documents.search(text.strip())  # streamed
        raise Refused("expected a text, and a shorter one", ErrorCode.INVALID_MESSAGE)
