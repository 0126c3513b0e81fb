"""Revalidation: periodically closes the sockets of logins that have ended."""

import asyncio
from collections.abc import Mapping, Sequence

from realtime.protocol.codes import CloseCode

from .checked_login import CheckedLogin, EndedLogins, by_application
from .hub import Hub

BATCH = 500  # logins in one query

# While users change their own password, their login looks ended for some milliseconds, until the
# session has its new key. So a login counts as ended only if two checks say so.
RECHECK_DELAY = 0.25  # seconds between the two


class Revalidation:
    """Revalidates the logins of all sessions at this worker."""

    def __init__(self, hub: Hub, ended_logins: EndedLogins) -> None:
        self._hub = hub
        self._ended_logins = ended_logins

    async def revalidate(self) -> None:
        """Check each login once, and end the sessions of those that have ended.

        Raises what ``ended_logins`` raises, after it has checked the logins of all others.
        """
        failures: list[Exception] = []
        logins_here = {session.login for session in self._hub.connected() if session.login}
        for logins in by_application(logins_here).values():
            try:
                for start in range(0, len(logins), BATCH):
                    await self._end_sessions(logins[start : start + BATCH])
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def _end_sessions(self, logins: Sequence[CheckedLogin]) -> None:
        ended = await self._ended(logins)
        for session in list(self._hub.connected()):
            if session.login is not None and session.login in ended:
                self._hub.end(session, ended[session.login])

    async def _ended(self, logins: Sequence[CheckedLogin]) -> Mapping[CheckedLogin, CloseCode]:
        suspected = await self._ended_logins(logins)
        if not suspected:
            return {}
        await asyncio.sleep(RECHECK_DELAY)
        return await self._ended_logins(list(suspected))
