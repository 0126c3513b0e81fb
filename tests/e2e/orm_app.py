"""An application that asks the ORM in each of its handlers."""

from django.contrib.auth.models import User

import project.asgi  # loads the apps
from realtime.consumers import Login, RealtimeConsumer, RoomMessage
from realtime.routing import realtime_application


class Asking(RealtimeConsumer):
    async def authenticate(self) -> Login:
        user = await User.objects.aget(username="ann")
        return Login(key="", user=str(user.pk), username=user.username)

    async def authorize(self, room: str, action: str) -> bool:
        return await User.objects.filter(pk=self.peer.user).aexists()

    async def receive_message(self, message: RoomMessage) -> None:
        await User.objects.acount()
        await super().receive_message(message)

    async def receive_bytes(self, data: bytes) -> None:
        self.send_bytes(str(await User.objects.acount()).encode())


application = realtime_application(project.asgi.pages, consumer=Asking)
