"""An application with rooms: every user may join "chat:…" and "news:…", and publish in "chat:…".

The data of a message may name what its handler shall do.
"""

import asyncio

import project.asgi  # loads the apps
from realtime.consumers import RealtimeConsumer, Refused, RoomMessage
from realtime.routing import realtime_application


class Chat(RealtimeConsumer):
    async def authorize(self, room: str, action: str) -> bool:
        if room == "chat:slow":
            await asyncio.sleep(0.7)
        if room == "chat:broken":
            raise ZeroDivisionError("a defect")
        return room.startswith("chat:") or (action == "join" and room.startswith("news:"))

    async def receive_message(self, message: RoomMessage) -> None:
        match message.data:
            case "refuse":
                raise Refused("expected something nicer")
            case "fail":
                raise ZeroDivisionError("a defect")
            case "wait":
                await asyncio.sleep(0.5)
        await super().receive_message(message)


application = realtime_application(project.asgi.pages, consumer=Chat)
