"""Where logins are read from, and whether that can be done."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from realtime.common.threads import Overloaded, Threads
from realtime.protocol.codes import CloseCode
from realtime.security.authentication import ANONYMOUS, Login, login_of, probe, verdicts
from realtime.store.contract import AtCapacity, LoginsUnavailable, LoginUnverified, StoreUnavailable

from ..sessions.jobs import Job
from .refusals import Reason, Refusals
from .turns import Limiter

P = ParamSpec("P")
T = TypeVar("T")

PROBE_EVERY = 5.0  # seconds

# So many logins are loaded at a time. Of a crowd the others wait here, where no timeout of the
# database runs; who has waited for PATIENCE seconds is asked to come again.
AT_ONCE, PATIENCE = 16, 10.0

# A session that none of our keys has signed is perhaps read by the workers that a rolling restart
# brings: its client comes again for so many seconds. Longer than that no restart takes.
ROLLING = 600.0
MAX_REMEMBERED = 10_000  # such sessions; of those beyond, the first are forgotten


@dataclass(frozen=True, slots=True)
class LoginOutage:
    """Logins cannot be read: ``since`` when (``time.monotonic()``), and why, in the ``words`` of
    what failed first."""

    since: float
    words: str


class LoginStore:
    """Asks in threads who is logged in: of the project's session engine and users.

    ``outage`` is None while that can be known. It follows a probe of the worker's own, not the
    calls of clients: ``job`` runs it every PROBE_EVERY seconds once a login has been asked for (an
    application may have logins of its own), and at the next tick after a call that fails. So
    failure and recovery are noticed although no client comes near. ``refusals`` are told, which
    log the beginning and the end.

    A call for a login takes ``timeout`` seconds at most, and the wait for its turn besides.
    """

    def __init__(self, threads: Threads, refusals: Refusals, *, timeout: float) -> None:
        self._threads = threads
        self._refusals = refusals
        self._timeout = timeout
        # Who has waited for a turn is to be answered within PATIENCE as well.
        self._turns = Limiter(AT_ONCE, patience=max(PATIENCE - timeout, 1.0))
        self._in_doubt = self._asked = False
        self._unverified: dict[str, float] = {}  # by digest: when one was seen first
        self.outage: LoginOutage | None = None
        self.job = Job("login probe", PROBE_EVERY, self._look_again)

    async def login(self, key: str) -> Login:
        """The login behind a session key. Raises StoreUnavailable if it cannot be known."""
        if not key:
            return ANONYMOUS
        async with self._turns.one():
            login = await self._ask(self._timeout, login_of, key)
        if login.unverified and self._is_recent(login.digest):
            raise LoginUnverified("none of the keys here has signed this session")
        return login

    async def verdicts(self, logins: Sequence[Any]) -> Mapping[Any, CloseCode]:
        """The close codes of those that no longer stand. Raises StoreUnavailable if it cannot
        be known. Takes ``timeout`` for each login at most: some engines and backends are asked
        for one after the other, and a call that was given up would go on in its thread.
        """
        return await self._ask(self._timeout * max(len(logins), 1), verdicts, logins)

    async def _ask(
        self, seconds: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self._asked = True
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
        if len(self._unverified) > MAX_REMEMBERED:
            del self._unverified[next(iter(self._unverified))]
        return now - first < ROLLING

    # ------------------------------------------------------------ the probe

    async def _look_again(self) -> None:
        if self._asked:
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
        words = str(_unavailable(error, self._timeout))
        self._refusals.failed(Reason.LOGIN_STORE, words)
        if self.outage is None:
            self.outage = LoginOutage(time.monotonic(), words)

    def _succeeded(self) -> None:
        self._in_doubt, self.outage = False, None
        self._refusals.passed(Reason.LOGIN_STORE)


def _unavailable(error: Exception, timeout: float) -> StoreUnavailable:
    if isinstance(error, TimeoutError):
        return LoginsUnavailable(f"no answer about a login within {timeout:g} s")
    if isinstance(error, Overloaded):
        return AtCapacity("too many calls are waiting for a login")
    return LoginsUnavailable(str(error))
