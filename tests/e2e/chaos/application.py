"""What the workers of a run serve: whoever is logged in may be and speak in "chat:…"."""

import project.asgi  # loads the apps
from realtime.consumers import RealtimeConsumer
from realtime.routing import realtime_application


class Chat(RealtimeConsumer):
    """Publishes what clients say as it is."""

    async def authorize(self, room: str, action: str) -> bool:
        return bool(self.peer.user) and room.startswith("chat:")


application = realtime_application(project.asgi.pages, consumer=Chat)
