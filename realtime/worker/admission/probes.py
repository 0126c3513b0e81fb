"""The worker's own attempts at what newcomers need, so that failure and recovery are noticed
although no client comes near."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from asgiref.sync import sync_to_async

from realtime.common.handler_threads import HandlerThreads
from realtime.common.threads import Overloaded, Threads
from realtime.store.contract import AtCapacity

from .refusals import Reason, Refusals, reason_of

logger = logging.getLogger("realtime.refusals")

EVERY = 5.0  # seconds between two rounds

Probe = Callable[[], Awaitable[object]]


class Probes:
    """One round of attempts; a job calls it every EVERY seconds, and at once when a refusal
    begins.

    ``always`` are cheap and made in every round, ``failing`` only while their reason goes on. A
    probe raises what the attempt fails of.
    """

    def __init__(
        self,
        refusals: Refusals,
        *,
        always: Mapping[Reason, Probe],
        failing: Mapping[Reason, Probe],
    ) -> None:
        self._refusals = refusals
        self._always = always
        self._failing = failing

    async def round(self) -> None:
        """Make all attempts that are due, side by side. Raises nothing."""
        due = dict(self._always)
        due |= {r: probe for r, probe in self._failing.items() if self._refusals.goes_on(r)}
        await asyncio.gather(*(self._attempt(reason, probe) for reason, probe in due.items()))
        self._refusals.look()

    async def _attempt(self, reason: Reason, probe: Probe) -> None:
        try:
            await probe()
        except Exception as error:
            if reason_of(error) is Reason.APPLICATION and not self._refusals.goes_on(reason):
                logger.exception("the attempt at %s has a defect", reason.value)
            self._refusals.failed(reason, str(error) or type(error).__name__)
        else:
            self._refusals.passed(reason)


async def find_room(
    wait_for_a_turn: Callable[[], Awaitable[object]], threads: Threads, lender: HandlerThreads
) -> None:
    """Wait for a turn of admission, a thread of these and one that is lent to handlers, as
    newcomers do. Raises AtCapacity."""
    try:
        async with asyncio.timeout(EVERY):
            await wait_for_a_turn()
            await threads.run(_nothing)
            with lender.loan():
                await sync_to_async(_nothing)()
    except (TimeoutError, Overloaded):
        raise AtCapacity("too many are waiting") from None


def _nothing() -> None:
    """A call that only shows that there is a thread for it."""
