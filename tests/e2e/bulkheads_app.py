"""An application that takes its time: a minute in receivers, three seconds in ``authorize``."""

import time
from typing import Any

from asgiref.sync import sync_to_async

import project.asgi  # loads the apps
from realtime import signals
from realtime.consumers import RealtimeConsumer
from realtime.routing import realtime_application

NEWS = (signals.session_opened, signals.session_suspended, signals.room_joined, signals.room_left)


def hang(**_: Any) -> None:
    time.sleep(60)


for news in NEWS:
    news.connect(hang)


class Slow(RealtimeConsumer):
    async def authorize(self, room: str, action: str) -> bool:
        await sync_to_async(time.sleep)(3)
        return True


application = realtime_application(project.asgi.pages, consumer=Slow)
