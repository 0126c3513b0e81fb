"""The application of a run's workers: users of the database may join and publish in "chat:…"."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

from django.contrib.auth import get_user_model

import project.asgi  # loads the apps
from realtime.consumers import ClientRequest, ErrorCode, RealtimeConsumer, Refused
from realtime.routing import realtime_application

REFUSALS = 0.05  # of the frames that publish; their clients send them again
PART = 0.005  # seconds


class Chat(RealtimeConsumer):
    """Publishes what clients say as it is, though not always at once. Requests are answered with
    their own data, or with as many numbers as they ask for."""

    async def authorize(self, room: str, action: str) -> bool:
        if not room.startswith("chat:"):
            return False
        if action == "publish" and random.random() < REFUSALS:
            raise Refused("expected patience", ErrorCode.RATE_LIMITED)
        return await get_user_model().objects.filter(pk=self.peer.user, is_active=True).aexists()

    async def receive_request(self, request: ClientRequest) -> Any:
        return self._count(request.data) if request.name == "count" else request.data

    async def _count(self, end: int) -> AsyncIterator[int]:
        for number in range(end):
            await asyncio.sleep(PART)
            yield number


application = realtime_application(project.asgi.pages, consumer=Chat)
