"""Whether the logins behind the open sockets still stand: asked again and again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from realtime.protocol.codes import CloseCode

from .hub import Hub

logger = logging.getLogger("realtime.worker")

CHUNK = 500

# Whoever changes their own password is, until their session has its new key, one whose password
# somebody has changed: a matter of milliseconds. So an end is looked at twice.
MOMENT = 0.25  # seconds between the two

# Given logins, the code to close those with that no longer stand.
Verdicts = Callable[[Sequence[Any]], Awaitable[Mapping[Any, CloseCode]]]


class Revalidation:
    """Revalidates, in batches, every login that has a socket at this worker."""

    def __init__(self, hub: Hub, verdicts: Verdicts) -> None:
        self._hub = hub
        self._verdicts = verdicts

    async def revalidate(self) -> None:
        """Ask for every login once; close the sockets of those that have ended."""
        logins = iter({session.login for session in self._hub.connected()} - {None})
        while chunk := list(islice(logins, CHUNK)):
            ended = await self._ended(chunk)
            for session in [s for s in self._hub.connected() if s.login in ended]:
                self._hub.end(session, ended[session.login])

    async def _ended(self, logins: Sequence[Any]) -> Mapping[Any, CloseCode]:
        suspects = await self._verdicts(logins)
        if not suspects:
            return {}
        await asyncio.sleep(MOMENT)
        return await self._verdicts(list(suspects))
