"""Reads logins for the worker, and knows whether that is possible now."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from realtime.common.threads import Overloaded, Threads
from realtime.protocol.codes import CloseCode
from realtime.security.authentication import (
    ANONYMOUS,
    Login,
    ended_logins,
    ended_users,
    login_of,
    probe,
)
from realtime.store.contract import AtCapacity, LoginsUnavailable, LoginUnverified, StoreUnavailable

from ..sessions.jobs import Job
from .limiter import Limiter
from .refusals import Reason, Refusals

P = ParamSpec("P")
T = TypeVar("T")

PROBE_INTERVAL = 5.0  # seconds

# So many logins are loaded at a time. In a crowd the others wait here, where no timeout of the
# database runs; after MAX_WAIT seconds their clients are asked to come again.
MAX_CONCURRENT, MAX_WAIT = 16, 10.0

# A session that none of our keys has signed may belong to the newer workers of a rolling restart.
# Its client is asked to come again for so many seconds; a restart takes no longer.
ROLLING_RESTART = 600.0
MAX_UNVERIFIED = 10_000  # sessions remembered for that; beyond it the first are forgotten


class LoginStore:
    """Reads logins from the project's session engine and users, in threads.

    ``refusals`` get the results of a probe, so failure and recovery are noticed even if no client
    connects. ``job`` runs it every PROBE_INTERVAL seconds once a login was read (an application
    may have its own logins), and at the next tick after a call that fails.

    A call takes at most ``timeout`` seconds, besides the wait for a slot.
    """

    def __init__(self, threads: Threads, refusals: Refusals, *, timeout: float) -> None:
        self._threads = threads
        self._refusals = refusals
        self._timeout = timeout
        # A client is answered within MAX_WAIT, the call included.
        self._limiter = Limiter(MAX_CONCURRENT, timeout=max(MAX_WAIT - timeout, 1.0))
        self._used = False  # whether a login was read yet
        self._in_doubt = False  # whether a call has failed since the last probe that passed
        self._unverified: dict[str, float] = {}  # digest -> when it was seen first
        self.job = Job("login probe", PROBE_INTERVAL, self._probe)

    async def login(self, key: str) -> Login:
        """The login behind a session key. Raises StoreUnavailable if it cannot be known."""
        if not key:
            return ANONYMOUS
        async with self._limiter.slot():
            login = await self._call(self._timeout, login_of, key)
        if login.unverified and self._is_recent(login.digest):
            raise LoginUnverified("none of the keys here has signed this session")
        return login

    async def ended_logins(self, logins: Sequence[Any]) -> Mapping[Any, CloseCode]:
        """The close codes of those logins that no longer stand. Raises StoreUnavailable if it
        cannot be known. Takes up to ``timeout`` for each login: some engines and backends look
        them up one by one, and a call that was given up would keep running in its thread."""
        return await self._call(self._timeout * max(len(logins), 1), ended_logins, logins)

    async def ended_users(self, logins: Sequence[Login]) -> Sequence[Login]:
        """Return the logins whose user is gone or inactive; otherwise like :meth:`ended_logins`."""
        return await self._call(self._timeout * max(len(logins), 1), ended_users, logins)

    async def _call(
        self, seconds: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self._used = True
        try:
            async with asyncio.timeout(seconds):
                return await self._threads.run(call, *args, **kwargs)
        except (StoreUnavailable, TimeoutError, Overloaded) as error:
            if not self._in_doubt:
                self._in_doubt = True
                self.job.hasten(time.monotonic())
            raise _unavailable(error, seconds) from error

    def _is_recent(self, digest: str) -> bool:
        now = time.monotonic()
        first = self._unverified.setdefault(digest, now)
        if len(self._unverified) > MAX_UNVERIFIED:
            del self._unverified[next(iter(self._unverified))]
        return now - first < ROLLING_RESTART

    # ------------------------------------------------------------ the probe

    async def _probe(self) -> None:
        """Probe once, if logins are used. Waits for a probe that hangs, so there are never two."""
        if not self._used:
            return
        call = asyncio.ensure_future(self._threads.run(probe))
        try:
            done, _ = await asyncio.wait([call], timeout=self._timeout)
            if not done:
                self._probe_failed(TimeoutError())
            await call
        except (StoreUnavailable, Overloaded) as error:
            self._probe_failed(error)
        else:
            self._in_doubt = False
            self._refusals.probe_passed(Reason.LOGIN_STORE)
        finally:
            call.cancel()

    def _probe_failed(self, error: Exception) -> None:
        self._refusals.probe_failed(Reason.LOGIN_STORE, str(_unavailable(error, self._timeout)))


def _unavailable(error: Exception, timeout: float) -> StoreUnavailable:
    if isinstance(error, TimeoutError):
        return LoginsUnavailable(f"no answer about a login within {timeout:g} s")
    if isinstance(error, Overloaded):
        return AtCapacity("too many calls are waiting for a login")
    return LoginsUnavailable(str(error))
