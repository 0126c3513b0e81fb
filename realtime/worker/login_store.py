"""Where logins are read from, and whether that can be done."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from realtime.authentication import ANONYMOUS, Login, login_of, probe, verdicts
from realtime.protocol.codes import CloseCode
from realtime.store.base import StoreUnavailable
from realtime.threads import Overloaded, Threads

from .jobs import Job
from .turns import Turns

logger = logging.getLogger("realtime.worker")

P = ParamSpec("P")
T = TypeVar("T")

PROBE_EVERY = 5.0  # seconds, while logins cannot be read

# So many logins are loaded at a time. Of a crowd the others wait here, where no timeout of the
# database runs; who has waited for PATIENCE seconds is asked to come again.
AT_ONCE, PATIENCE = 16, 10.0

# A session that none of our keys has signed is perhaps read by the workers that a rolling restart
# brings: its client comes again for so many seconds. Longer than that no restart takes.
ROLLING = 600.0
MAX_REMEMBERED = 10_000  # such sessions; of those beyond, the first are forgotten


@dataclass(frozen=True, slots=True)
class Outage:
    """Logins cannot be read: ``since`` when (``time.monotonic()``), and why, in the ``words`` of
    what failed first."""

    since: float
    words: str


class LoginStore:
    """Asks in threads who is logged in: of the project's session engine and users.

    ``outage`` is None while that can be known. It follows a probe of the worker's own, not the
    calls of clients: a call that fails has the probe run at the next tick, and a probe that
    fails is repeated every PROBE_EVERY seconds by ``job``, so that recovery is noticed although
    no client comes near. The beginning and the end of an outage are logged once.

    A call takes ``timeout`` seconds at most, and one for a login the wait for its turn besides.
    """

    def __init__(self, threads: Threads, *, timeout: float) -> None:
        self._threads = threads
        self._timeout = timeout
        self._turns = Turns(AT_ONCE, patience=PATIENCE)
        self._in_doubt = False
        self._unverified: dict[str, float] = {}  # by digest: when one was seen first
        self.outage: Outage | None = None
        self.job = Job("login probe", PROBE_EVERY, self._look_again)

    async def login(self, key: str) -> Login:
        """The login behind a session key. Raises StoreUnavailable if it cannot be known."""
        if not key:
            return ANONYMOUS
        async with self._turns.one():
            login = await self._ask(login_of, key)
        if login.unverified and self._is_recent(login.digest):
            raise StoreUnavailable("none of the keys here has signed this session")
        return login

    async def verdicts(self, logins: Sequence[Any]) -> Mapping[Any, CloseCode]:
        """The close codes of those that no longer stand. Raises StoreUnavailable if it cannot
        be known."""
        return await self._ask(verdicts, logins)

    async def _ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._threads.run(call, *args, **kwargs)
        except (StoreUnavailable, TimeoutError, Overloaded) as error:
            if not self._in_doubt:
                self._in_doubt = True
                self.job.hasten(time.monotonic())
            raise _unavailable(error, self._timeout) from error

    def _is_recent(self, digest: str) -> bool:
        now = time.monotonic()
        first = self._unverified.setdefault(digest, now)
        if len(self._unverified) > MAX_REMEMBERED:
            del self._unverified[next(iter(self._unverified))]
        return now - first < ROLLING

    # ------------------------------------------------------------ the probe

    async def _look_again(self) -> None:
        if self._in_doubt or self.outage:
            await self._probe()

    async def _probe(self) -> None:
        """Probe once. One that hangs is waited for, so that there are never two."""
        call = asyncio.ensure_future(self._threads.run(probe))
        try:
            done, _ = await asyncio.wait([call], timeout=self._timeout)
            if not done:
                self._failed(TimeoutError())
            await call
        except (StoreUnavailable, Overloaded) as error:
            self._failed(error)
        else:
            self._succeeded()
        finally:
            call.cancel()

    def _failed(self, error: Exception) -> None:
        if self.outage is None:
            words = str(_unavailable(error, self._timeout))
            self.outage = Outage(time.monotonic(), words)
            logger.error("logins cannot be read: %s", words)

    def _succeeded(self) -> None:
        self._in_doubt = False
        if self.outage is not None:
            lasted = time.monotonic() - self.outage.since
            self.outage = None
            logger.warning("logins can be read again, after %.1f s", lasted)


def _unavailable(error: Exception, timeout: float) -> StoreUnavailable:
    if isinstance(error, StoreUnavailable):
        return error
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"no answer about a login within {timeout:g} s")
    return StoreUnavailable("too many calls are waiting for a login")
