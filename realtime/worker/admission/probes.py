"""Probes of what new connections need: they notice failure and recovery without any client."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from asgiref.sync import sync_to_async

from realtime.common.handler_threads import HandlerThreads
from realtime.common.threads import Overloaded, Threads
from realtime.store.contract import AtCapacity

from .limiter import Limiter
from .refusals import Reason, Refusals, reason_of

logger = logging.getLogger("realtime.refusals")

PROBE_INTERVAL = 5.0  # seconds between two rounds

Probe = Callable[[], Awaitable[object]]


class Probes:
    """Rounds of probes: every PROBE_INTERVAL seconds, and when a reason of refusals opens.

    ``always`` are cheap and run in every round; ``failing`` run only while their reason is open.
    A probe raises if connections would be refused.
    """

    def __init__(
        self, refusals: Refusals, *, always: Mapping[Reason, Probe], failing: Mapping[Reason, Probe]
    ) -> None:
        self._refusals = refusals
        self._always = always
        self._failing = failing

    async def run_round(self) -> None:
        """Run all probes that are due, side by side. Raises nothing."""
        due = dict(self._always)
        due |= {r: probe for r, probe in self._failing.items() if self._refusals.is_open(r)}
        await asyncio.gather(*(self._run(reason, probe) for reason, probe in due.items()))
        self._refusals.close_quiet()

    async def _run(self, reason: Reason, probe: Probe) -> None:
        try:
            await probe()
        except Exception as error:
            if reason_of(error) is Reason.APPLICATION and not self._refusals.is_open(reason):
                logger.exception("the attempt at %s has a defect", reason.value)
            self._refusals.probe_failed(reason, str(error) or type(error).__name__)
        else:
            self._refusals.probe_passed(reason)


async def probe_capacity(
    limiter: Limiter, threads: Threads, handler_threads: HandlerThreads
) -> None:
    """Wait for what a new connection needs: a slot of admission, one of ``threads``, and
    a handler thread. Raises AtCapacity after PROBE_INTERVAL seconds."""
    try:
        async with asyncio.timeout(PROBE_INTERVAL):
            async with limiter.slot():
                pass
            await threads.run(lambda: None)
            with handler_threads.executor():
                await sync_to_async(lambda: None)()
    except (TimeoutError, Overloaded):
        raise AtCapacity("too many are waiting") from None
