"""The application with rooms, for clients that bring tokens: "ann 30" is a login of ann's that
lasts for 30 seconds."""

import time

import project.asgi  # loads the apps
from realtime.consumers import ANONYMOUS, Login
from realtime.routing import realtime_application

from .rooms_app import Chat


class TokenChat(Chat):
    async def authenticate(self) -> Login:
        from django.contrib.auth.models import User

        if self.auth is None:
            return await super().authenticate()
        name, seconds = self.auth.split()
        user = await User.objects.filter(username=name).afirst()
        if user is None:
            return ANONYMOUS
        return Login.of(user, key=self.auth, expires_at=time.time() + float(seconds))


application = realtime_application(project.asgi.pages, consumer=TokenChat)
