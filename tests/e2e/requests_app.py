"""An application that answers requests: at once, never, or with a stream."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import project.asgi  # loads the apps
from realtime.consumers import ClientRequest, RealtimeConsumer
from realtime.routing import realtime_application

logger = logging.getLogger("tests.requests")


class Answering(RealtimeConsumer):
    """``made`` is the number of parts that the running stream has made; ``ended`` has the names of
    requests that waited and were cancelled."""

    made = 0
    ended: list[str] = []

    async def receive_request(self, request: ClientRequest) -> Any:
        match request.name:
            case "count":
                return self.count(**request.data)
            case "wait":
                return await self.wait(request.data)
            case "made":
                return Answering.made
            case "ended":
                return Answering.ended
        return await super().receive_request(request)

    async def count(self, to: int, size: int) -> AsyncIterator[Any]:
        try:
            for number in range(to):
                Answering.made = number + 1
                yield [number, "x" * size]
        finally:
            Answering.made = 0

    async def wait(self, name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            Answering.ended.append(name)
            logger.info("ended: %s", name)


application = realtime_application(project.asgi.pages, consumer=Answering)
