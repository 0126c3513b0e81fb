"""A client without a server between it and the consumer."""

import asyncio
import json
from typing import Any

from channels.testing import WebsocketCommunicator

from realtime.consumers import RealtimeConsumer

HELLO = {"type": "hello", "protocol": 1}
QUICK = {"ALLOW_ANONYMOUS": True, "FLUSH_INTERVAL": 3600.0, "LEASE": 36000.0, "SWEEP_INTERVAL": 0}


class Client(WebsocketCommunicator):
    """A client without a server between it and the consumer."""

    def __init__(
        self,
        consumer: type[RealtimeConsumer] = RealtimeConsumer,
        *,
        headers: dict[str, str] | None = None,
        subprotocols: list[str] | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> None:
        pairs = [(k.encode(), v.encode()) for k, v in (headers or {}).items()]
        super().__init__(consumer.as_asgi(), "/ws/", pairs, subprotocols)
        self.scope["client"] = ["192.0.2.1", 4711]
        self.scope["extensions"] = extensions or {}

    async def send_message(self, **message: Any) -> None:
        await self.send_to(text_data=json.dumps(message))

    async def receive_message(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.receive_from(timeout=10))
        return message

    async def greet(self) -> dict[str, Any]:
        """Connect and say hello; the welcome."""
        await self.connect(timeout=10)
        await self.send_message(**HELLO)
        return await self.receive_message()

    async def end(self) -> tuple[list[dict[str, Any]], int]:
        """The remaining messages and the close code; the consumer then returns."""
        messages: list[dict[str, Any]] = []
        while (event := await self.receive_output(10))["type"] != "websocket.close":
            messages.append(json.loads(event["text"]))
        await self.send_input({"type": "websocket.disconnect", "code": event["code"]})
        await self.wait(10)
        return messages, event["code"]


class Hesitant(RealtimeConsumer):
    """Its ``authorize`` waits for ``answer``."""

    called: asyncio.Event
    answer: asyncio.Event

    async def authorize(self, room: str, action: str) -> bool:
        self.called.set()
        await self.answer.wait()
        return True
