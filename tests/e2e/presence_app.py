"""An application whose users see each other in the rooms "chat:…"."""

from typing import Any

import project.asgi  # loads the apps
from realtime.consumers import RealtimeConsumer
from realtime.routing import realtime_application


class Chat(RealtimeConsumer):
    async def authorize(self, room: str, action: str) -> bool:
        return room.startswith("chat:")

    async def describe_presence(self, room: str, user: str) -> dict[str, Any]:
        return {"name": self.peer.username}


application = realtime_application(project.asgi.pages, consumer=Chat)
