"""A worker among workers: what it tells the others, and what it does when it is told."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from channels.layers import InMemoryChannelLayer

from .announcer import Announcer
from .command_queue import STOP_PATIENCE, LayerCommandQueue
from .hints import MOST, Hint, HintKind, about, group_of, group_of_room, understand
from .listener import Listener, News
from .publication_batches import PublicationBatch
from .signing import Signer
from .subscriptions import Subscriptions

logger = logging.getLogger("realtime.hints")

GATHERING = 0.050  # seconds in which sessions are gathered for one hint
FLUSH_EVERY = 0.250  # seconds at least between two flushes that hints ask for


def leaves_process(layer: Any) -> bool:
    """Whether what is sent to this channel layer can reach another process."""
    return not isinstance(layer, InMemoryChannelLayer)


class BusNode:
    """Tells all workers of this registry, itself included, and heeds what they tell.

    A hint makes this worker flush at once, with the sessions it names, if any of them is
    connected here; the store's answer decides what becomes of them. However many hints
    come, they cause no more than one flush every FLUSH_EVERY seconds.

    ``find`` knows who is connected here. Of publications those workers are told that have
    somebody in the room; what they tell goes to ``told``. Where the layer leads to no other
    process, nobody is told and nobody asked.
    """

    def __init__(
        self,
        layer: Any,
        seals: Signer,
        *,
        prefix: str,
        mark_changed: Callable[[Sequence[str]], bool],
        flush_at: Callable[[float], object],
        told: Callable[[PublicationBatch], object],
    ) -> None:
        self._layer = layer
        self._group = group_of(prefix)
        self._mark_changed = mark_changed
        self._flush_at = flush_at
        self._told = told
        self._next_flush = -math.inf
        self._gathered: dict[HintKind, dict[str, None]] = {kind: {} for kind in HintKind}
        self._timer: asyncio.TimerHandle | None = None
        self._leads_outside = leaves_process(layer)
        self.line = LayerCommandQueue()
        self.listener = Listener(
            layer,
            self._group,
            self.line,
            understand=partial(understand, seals=seals),
            heed=self.heed,
            forgotten=self._begin_anew,
        )
        group = partial(group_of_room, prefix)
        self.announcer = Announcer(layer, seals, asyncio.get_running_loop(), group=group)
        self.subscriptions = Subscriptions(layer, group=group, channel=self.listener.channel)

    def start(self) -> None:
        """Begin to listen, in the running loop."""
        self.listener.start()

    async def stay(self) -> None:
        """Join again: a layer that has forgotten this worker hears of it anew."""
        self.listener.join()
        self.subscriptions.renew()

    def _begin_anew(self) -> None:
        self.subscriptions.begin_anew()

    async def stop(self) -> None:
        """Leave the groups if that can be had at once, and end all tasks."""
        if self._timer is not None:
            self._timer.cancel()
        self.listener.leave()
        await asyncio.gather(
            self.line.settle(STOP_PATIENCE),
            self.announcer.settle(STOP_PATIENCE),
            self.subscriptions.stop(),
        )
        await asyncio.gather(self.line.stop(), self.announcer.stop())
        await self.listener.stop()

    # ------------------------------------------------------------ rooms

    def opened(self, room: str) -> None:
        """Somebody here is in this room: publications of others shall be heard."""
        if self._leads_outside:
            self.subscriptions.opened(room)

    def closed(self, room: str) -> None:
        """Nobody here is in this room any more."""
        if self._leads_outside:
            self.subscriptions.closed(room)

    def announce(self, bundle: PublicationBatch, *, patience: float = 0.0) -> None:
        """Tell those workers who have somebody in the room. From any thread, like
        :meth:`Announcer.tell`."""
        if self._leads_outside:
            self.announcer.tell(bundle, patience=patience)

    # ------------------------------------------------------------ telling

    def tell(self, kind: HintKind, sessions: Iterable[str]) -> None:
        """Tell all workers of these sessions, together with those of the next moment."""
        gathered = self._gathered[kind]
        gathered.update(dict.fromkeys(sessions))
        if len(gathered) >= MOST[kind]:
            self._send(kind)
        elif gathered and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHERING, self._send_all)

    def _send_all(self) -> None:
        self._timer = None
        for kind in HintKind:
            self._send(kind)

    def _send(self, kind: HintKind) -> None:
        for hint in about(kind, self._gathered[kind]):
            self.line.put(partial(self._layer.group_send, self._group, hint.message()))
        self._gathered[kind].clear()

    # ------------------------------------------------------------ heeding

    def heed(self, news: News) -> None:
        """Pass on what was published; ask the store soon if a hint is about anybody here."""
        if isinstance(news, PublicationBatch):
            self._told(news)
        else:
            self._look_for(news)

    def _look_for(self, hint: Hint) -> None:
        if self._mark_changed(hint.sessions) or not hint.sessions:
            self._hasten()

    def _hasten(self) -> None:
        now = time.monotonic()
        if now >= self._next_flush:
            self._next_flush = max(now, self._next_flush + FLUSH_EVERY)
        self._flush_at(self._next_flush)
