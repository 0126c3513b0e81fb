"""Re-registration: a store that may have lost its content learns which sessions are here."""

import asyncio
import time
from collections.abc import Iterator
from itertools import islice

from realtime.store.contract import BATCH, Store
from realtime.store.records import Registration

from .disconnect_queue import DisconnectQueue
from .hub import Hub


class Reregistration:
    """Remembers in ``incarnation`` which one of the store knows all sessions here.

    It is "" until the first answer of the store. :mod:`.beats` lists the invariants.
    """

    def __init__(self, store: Store, hub: Hub, disconnects: DisconnectQueue) -> None:
        self._store = store
        self._hub = hub
        self._disconnects = disconnects
        self.incarnation = ""
        self._idle = asyncio.Event()
        self._idle.set()

    async def wait_until_idle(self) -> None:
        """Wait until no registration is under way: one that is has the sessions as they were."""
        await self._idle.wait()

    async def register(self, incarnation: str) -> None:
        """Register all sessions here, then remember the incarnation.

        Puts the disconnect queue on hold; the caller releases it. Raises StoreUnavailable:
        call again with the next beat, which registers all of them anew.
        """
        self._disconnects.hold()
        registrations = self._registrations()
        self._idle.clear()
        try:
            while batch := list(islice(registrations, BATCH)):
                self._hub.drop_lost(await self._store.register(self._hub.identity.worker, batch))
        finally:
            self._idle.set()
        self.incarnation = incarnation

    def _registrations(self) -> Iterator[Registration]:
        """Connected sessions, then those with a waiting disconnect. Each is built when it is
        taken, so one batch at most holds up the event loop."""
        here = {session.id: session for session in self._hub.connected()}
        for session in here.values():
            if not session.departed:
                yield session.as_registration(time.monotonic())
        for left in self._disconnects.unreported():  # those that have left since then, too
            known = here.get(left.session.id)
            if known is None or known.record.generation <= left.session.generation:
                yield left
