"""Revalidation: periodically closes the sockets of logins that have ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from realtime.protocol.codes import CloseCode

from .hub import Hub

logger = logging.getLogger("realtime.worker")

BATCH = 500  # logins in one query

# While users change their own password, their login looks ended for some milliseconds, until the
# session has its new key. So a login counts as ended only if two checks say so.
RECHECK_DELAY = 0.25  # seconds between the two

# ended_logins(logins) returns the close code of each login that has ended. Raises StoreUnavailable.
EndedLogins = Callable[[Sequence[Any]], Awaitable[Mapping[Any, CloseCode]]]


class Revalidation:
    """Revalidates the logins of all sessions at this worker."""

    def __init__(self, hub: Hub, ended_logins: EndedLogins) -> None:
        self._hub = hub
        self._ended_logins = ended_logins

    async def revalidate(self) -> None:
        """Check each login once, and end the sessions of those that have ended.

        Raises what ``ended_logins`` raises.
        """
        logins = iter({session.login for session in self._hub.connected()} - {None})
        while batch := list(islice(logins, BATCH)):
            ended = await self._ended(batch)
            for session in [s for s in self._hub.connected() if s.login in ended]:
                self._hub.end(session, ended[session.login])

    async def _ended(self, logins: Sequence[Any]) -> Mapping[Any, CloseCode]:
        suspected = await self._ended_logins(logins)
        if not suspected:
            return {}
        await asyncio.sleep(RECHECK_DELAY)
        return await self._ended_logins(list(suspected))
