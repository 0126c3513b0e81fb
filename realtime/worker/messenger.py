"""A worker among workers: what it tells the others, and what it does when it is told."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from channels.layers import InMemoryChannelLayer

from .hints import MOST, Hint, Kind, about
from .hub import Hub
from .line import STOP_PATIENCE, Line
from .listener import Listener

logger = logging.getLogger("realtime.hints")

GATHERING = 0.050  # seconds in which sessions are gathered for one hint
FLUSH_EVERY = 0.250  # seconds at least between two flushes that hints ask for


def leaves_process(layer: Any) -> bool:
    """Whether what is sent to this channel layer can reach another process."""
    return not isinstance(layer, InMemoryChannelLayer)


class Messenger:
    """Tells all workers of this registry, itself included, and heeds what they tell.

    A hint makes this worker flush at once, with the sessions it names, if any of them is
    connected here; the store's answer decides what becomes of them. However many hints
    come, they cause no more than one flush every FLUSH_EVERY seconds.
    """

    def __init__(
        self, layer: Any, group: str, hub: Hub, *, flush_at: Callable[[float], object]
    ) -> None:
        self._layer = layer
        self._group = group
        self._hub = hub
        self._flush_at = flush_at
        self._next_flush = -math.inf
        self._gathered: dict[Kind, dict[str, None]] = {kind: {} for kind in Kind}
        self._timer: asyncio.TimerHandle | None = None
        self.line = Line()
        self.listener = Listener(layer, group, self.line, heed=self.heed)

    def start(self) -> None:
        """Begin to listen, in the running loop."""
        self.listener.start()

    async def stay(self) -> None:
        """Join again: a layer that has forgotten this worker hears of it anew."""
        self.listener.join()

    async def stop(self) -> None:
        """Leave the group if that can be had at once, and end all tasks."""
        if self._timer is not None:
            self._timer.cancel()
        self.listener.leave()
        await self.line.settle(STOP_PATIENCE)
        await self.line.stop()
        await self.listener.stop()

    # ------------------------------------------------------------ telling

    def tell(self, kind: Kind, sessions: Iterable[str]) -> None:
        """Tell all workers of these sessions, together with those of the next moment."""
        gathered = self._gathered[kind]
        gathered.update(dict.fromkeys(sessions))
        if len(gathered) >= MOST[kind]:
            self._send(kind)
        elif gathered and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHERING, self._send_all)

    def _send_all(self) -> None:
        self._timer = None
        for kind in Kind:
            self._send(kind)

    def _send(self, kind: Kind) -> None:
        for hint in about(kind, self._gathered[kind]):
            self.line.put(partial(self._layer.group_send, self._group, hint.message()))
        self._gathered[kind].clear()

    # ------------------------------------------------------------ heeding

    def heed(self, hint: Hint) -> None:
        """Ask the store soon if the hint is about anybody here."""
        here = [session for id_ in hint.sessions if (session := self._hub.get(id_))]
        for session in here:
            session.changed = True
        if here or not hint.sessions:
            self._hasten()

    def _hasten(self) -> None:
        now = time.monotonic()
        if now >= self._next_flush:
            self._next_flush = max(now, self._next_flush + FLUSH_EVERY)
        self._flush_at(self._next_flush)
