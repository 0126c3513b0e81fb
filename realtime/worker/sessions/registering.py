"""A store that may have lost its content is told again who is connected here."""

import time
from collections.abc import Iterator
from itertools import islice

from realtime.store.contract import BATCH, Store
from realtime.store.records import Registration

from .departures import DisconnectQueue
from .hub import Hub


class Reregistration:
    """Remembers which incarnation of the store knows of everybody here.

    ``incarnation`` is "" until the store was heard for the first time.
    """

    def __init__(self, store: Store, hub: Hub, departures: DisconnectQueue) -> None:
        self._store = store
        self._hub = hub
        self._departures = departures
        self.incarnation = ""

    async def register(self, incarnation: str) -> None:
        """Tell this incarnation of all sessions here, and of those that have left unheard.

        It is remembered once it has heard of all; in between nobody's departure is told,
        and the caller releases them. Raises StoreUnavailable: then all begins anew with the
        next beat.
        """
        self._departures.hold()
        everybody = self._everybody()
        while batch := list(islice(everybody, BATCH)):
            self._hub.give_up(await self._store.register(self._hub.identity.worker, batch))
        self.incarnation = incarnation

    def _everybody(self) -> Iterator[Registration]:
        """Each made when its turn comes, so that the loop is held up for one batch at most."""
        here = {session.id: session for session in self._hub.connected()}
        for session in here.values():
            if not session.departed:
                yield session.registration(time.monotonic())
        for left in self._departures.unheard():  # among them who has left since it began
            known = here.get(left.session.id)
            if known is None or known.record.generation <= left.session.generation:
                yield left
