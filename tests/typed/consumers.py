"""A consumer that uses everything that a subclass may."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from django.contrib.auth import aget_user
from django.contrib.auth.models import User
from django.http import HttpRequest

from realtime.api import StoreUnavailable
from realtime.consumers import (
    ANONYMOUS,
    ClientRequest,
    ErrorCode,
    Login,
    RealtimeConsumer,
    Refused,
    RoomMessage,
    headers_of,
)


class TypedConsumer(RealtimeConsumer):
    """Tokens, rooms of teams, and an echo of binary frames."""

    sound: bytes = b""

    async def authenticate(self) -> Login:
        token = headers_of(self.scope).get(b"authorization", b"").decode("latin1")
        if not token:
            return await super().authenticate()
        user = await User.objects.filter(username=token).afirst()
        if user is None:
            return ANONYMOUS
        if not user.is_active:
            raise StoreUnavailable("try again")
        return Login.of(user)

    async def authorize(self, room: str, action: str) -> bool:
        path: str = self.scope["path"]
        return self.peer.user != "" and room.startswith("team:") and path.startswith("/ws/")

    async def receive_message(self, message: RoomMessage) -> None:
        if not isinstance(message.data, str):
            raise Refused("expected a text", ErrorCode.INVALID_MESSAGE)
        data: dict[str, Any] = {"from": self.peer.username, "text": message.data}
        if message.data.startswith("/whisper"):
            position = await self.publish(message.room, data, key=message.key)
            assert position.offset > 0
            return
        await super().receive_message(msgspec.structs.replace(message, data=data))

    async def receive_request(self, request: ClientRequest) -> Any:
        if request.name == "words" and isinstance(request.data, str):
            return self.words(request.data)
        return await super().receive_request(request)

    async def words(self, text: str) -> AsyncIterator[str]:
        for word in text.split():
            yield word

    async def receive_bytes(self, data: bytes) -> None:
        self.sound += data
        if self.session is not None:
            self.send_bytes(f"{self.session.id} {len(self.sound)}".encode())


class StreamingConsumer(RealtimeConsumer):
    """Answers every request with a stream."""

    async def receive_request(self, request: ClientRequest) -> AsyncIterator[int]:
        yield len(request.name)


async def user_of(request: HttpRequest) -> str:
    user = await aget_user(request)
    return str(user.pk)
