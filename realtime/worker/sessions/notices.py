"""What every client of a worker is told at once."""

import asyncio
from collections.abc import Iterable

from realtime.protocol.messages import ServerMessage

from .session import ConnectedSession

PART = 200


async def tell_all(sessions: Iterable[ConnectedSession], message: ServerMessage) -> None:
    """Send a message to all of them, PART at a time: what else is due comes in between."""
    for number, session in enumerate(list(sessions), start=1):
        if not session.departed:
            session.connection.send(message)
        if number % PART == 0:
            await asyncio.sleep(0)
