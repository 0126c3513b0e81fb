"""The demo, killed once after a message is in the log and before its ack."""

import os
import signal
from pathlib import Path

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from project.asgi import pages  # loads the apps
from project.chat import ChatConsumer
from realtime.consumers import RoomMessage
from realtime.routing import realtime_application

FATAL_TEXT = "the last words"
MARK = Path(os.environ["KILLED_MARK"])


class Killed(ChatConsumer):
    async def receive_message(self, message: RoomMessage) -> None:
        await super().receive_message(message)
        if message.data["text"] == FATAL_TEXT and not MARK.exists():
            MARK.touch()
            os.kill(os.getpid(), signal.SIGKILL)


application = realtime_application(ASGIStaticFilesHandler(pages), consumer=Killed)
