"""The application with rooms, whose garbage is collected when it is asked for: on SIGUSR2 its
worker says how many objects of connections that found, and how many connections are left.

Others leave garbage, too: Django's exceptions know the frames that know them.
"""

import asyncio
import gc
import json
import signal
import sys
from collections.abc import AsyncIterator

import project.asgi  # loads the apps
from realtime.consumers import ClientRequest
from realtime.routing import realtime_application
from realtime.worker.connections.connection import Connection

from .rooms_app import Chat

OURS = ("realtime.consumers", "realtime.servers", "realtime.worker", "tests.e2e")
THEIRS = ("asyncio", "autobahn", "daphne", "h11", "httptools", "twisted", "uvicorn", "websockets")


class Answering(Chat):
    """Streams numbers, or never answers."""

    async def receive_request(self, request: ClientRequest) -> AsyncIterator[int]:
        for number in range(request.data):
            yield number
        await asyncio.Event().wait()


application = realtime_application(project.asgi.pages, consumer=Answering)

gc.disable()


def _say(*_: object) -> None:
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    found = sum(type(each).__module__.startswith((*OURS, *THEIRS)) for each in gc.garbage)
    gc.garbage.clear()
    gc.collect()
    left = sum(isinstance(each, Connection) for each in gc.get_objects())
    if not left:
        gc.freeze()  # what is here now belongs to no connection; the next look is for what is not
    sys.stdout.write(f"garbage: {json.dumps({'found': found, 'left': left})}\n")
    sys.stdout.flush()


signal.signal(signal.SIGUSR2, _say)
