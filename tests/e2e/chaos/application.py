"""The application of a run's workers: users of the database may join and publish in "chat:…"."""

from django.contrib.auth import get_user_model

import project.asgi  # loads the apps
from realtime.consumers import RealtimeConsumer
from realtime.routing import realtime_application


class Chat(RealtimeConsumer):
    """Publishes what clients say as it is."""

    async def authorize(self, room: str, action: str) -> bool:
        if not room.startswith("chat:"):
            return False
        return await get_user_model().objects.filter(pk=self.peer.user, is_active=True).aexists()


application = realtime_application(project.asgi.pages, consumer=Chat)
