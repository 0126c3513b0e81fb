"""Channel layers: every kind on a real Redis, and a faulty one."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from tests.redis_server import RedisServer

LAYERS: dict[str, Callable[[RedisServer], Any]] = {
    "memory": lambda _: InMemoryChannelLayer(),
    "pubsub": lambda redis: RedisPubSubChannelLayer(hosts=[redis.url], prefix="hints"),
    "core": lambda redis: RedisChannelLayer(hosts=[{"address": redis.url, "socket_timeout": None}]),
}


class Faulty(InMemoryChannelLayer):
    """A layer that can lose, duplicate, forge, raise, hang and cancel."""

    def __init__(self) -> None:
        super().__init__()
        self.copies = 1
        self.raising: Exception | None = None
        self.receive_errors: list[BaseException] = []
        self.hanging = False
        self.calls: list[str] = []

    async def _fault(self, name: str) -> None:
        self.calls.append(name)
        if self.hanging:
            await asyncio.Event().wait()
        if self.raising is not None:
            raise self.raising

    async def new_channel(self, prefix: str = "specific.") -> str:
        await self._fault("new_channel")
        return str(await super().new_channel(prefix))

    async def group_add(self, group: str, channel: str) -> None:
        await self._fault("group_add")
        await super().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._fault("group_discard")
        await super().group_discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._fault("group_send")
        for _ in range(self.copies):
            await super().group_send(group, message)

    async def receive(self, channel: str) -> dict[str, Any]:
        if self.receive_errors:
            raise self.receive_errors.pop(0)
        return cast("dict[str, Any]", await super().receive(channel))

    async def forge(self, group: str, message: object) -> None:
        """Put a forged message into the channel of every member."""
        for channel in self.groups.get(group, {}):
            queue = self.channels.setdefault(channel, asyncio.Queue())
            await queue.put((time.time() + 60, message))
