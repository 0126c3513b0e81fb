"""The application with rooms, for clients that bring tokens, "ann 30" is a login of ann's that
lasts for 30 seconds, and for their requests and binary frames."""

import time
from collections.abc import AsyncIterator
from typing import Any

import project.asgi  # loads the apps
from realtime.consumers import ANONYMOUS, ClientRequest, Login
from realtime.routing import realtime_application

from .rooms_app import Chat


class TokenChat(Chat):
    """``ended`` is the number of streams that have come to an end, or were left."""

    ended = 0

    async def authenticate(self) -> Login:
        from django.contrib.auth.models import User

        if self.auth is None:
            return await super().authenticate()
        name, seconds = self.auth.split()
        user = await User.objects.filter(username=name).afirst()
        if user is None:
            return ANONYMOUS
        return Login.of(user, key=self.auth, expires_at=time.time() + float(seconds))

    async def receive_request(self, request: ClientRequest) -> Any:
        match request.name:
            case "double":
                return request.data * 2
            case "count":
                return self.count(request.data)
            case "ended":
                return TokenChat.ended
        return await super().receive_request(request)

    async def count(self, to: int) -> AsyncIterator[int]:
        try:
            for number in range(to):
                yield number
        finally:
            TokenChat.ended += 1

    async def receive_bytes(self, data: bytes) -> None:
        self.send_bytes(data[::-1])


application = realtime_application(project.asgi.pages, consumer=TokenChat)
