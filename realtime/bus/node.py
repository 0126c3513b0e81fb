"""A worker's end of the channel layer: notifies other workers and reacts to their messages."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from channels.layers import InMemoryChannelLayer

from .announcer import Announcer
from .command_queue import STOP_TIMEOUT, LayerCommandQueue
from .counters import BusCounters
from .hints import (
    MAX_SESSIONS,
    Hint,
    HintKind,
    hints_for,
    room_group_name,
    workers_group_name,
)
from .listener import Listener
from .publication_batches import PublicationBatch
from .signing import Signer
from .subscriptions import Subscriptions

HINT_DELAY = 0.050  # seconds in which sessions are collected for one hint
FLUSH_INTERVAL = 0.250  # seconds at least between two flushes that hints cause


def leaves_process(layer: Any) -> bool:
    """Return whether messages of this channel layer can reach other processes."""
    return not isinstance(layer, InMemoryChannelLayer)


class BusNode:
    """Notifies all workers with the same store prefix, itself included, and handles what it
    receives. However many hints come, they cause at most one flush every FLUSH_INTERVAL seconds.

    With a layer that does not leave the process, publications are neither announced nor
    subscribed to.
    """

    _mark_changed: Callable[[Sequence[str]], bool]
    _flush_at: Callable[[float], object]

    def __init__(
        self,
        layer: Any,
        signer: Signer,
        *,
        prefix: str,
        counters: BusCounters | None = None,
    ) -> None:
        self._layer = layer
        self.counters = counters = counters or BusCounters()
        self._group = workers_group_name(prefix)
        self._next_flush = -math.inf
        self._pending: dict[HintKind, dict[str, None]] = {kind: {} for kind in HintKind}
        self._timer: asyncio.TimerHandle | None = None
        self._leaves_process = leaves_process(layer)
        self.commands = LayerCommandQueue(counters)
        group = partial(room_group_name, prefix)
        self.announcer = Announcer(layer, signer, asyncio.get_running_loop(), counters, group=group)
        self.listener = Listener(layer, self._group, self.commands, counters, signer)
        self.subscriptions = Subscriptions(layer, group=group, channel=self.listener.channel)

    def start(
        self,
        *,
        mark_changed: Callable[[Sequence[str]], bool],
        flush_at: Callable[[float], object],
        on_publication: Callable[[PublicationBatch], object],
    ) -> None:
        """Begin to receive, in the running loop.

        ``on_publication(batch)`` gets the publications of rooms that are open here.
        ``mark_changed(sessions)`` has the next flush report those that are connected here, and
        returns whether any is; then, or if the hint names none, ``flush_at(monotonic_seconds)``
        is called. The store's answer decides what happens to the sessions.
        """
        self._mark_changed, self._flush_at = mark_changed, flush_at
        self.listener.start(
            on_hint=self.on_hint,
            on_publication=on_publication,
            on_restart=self.subscriptions.renew_all,
        )

    async def rejoin(self) -> None:
        """Repeat the membership of the workers' group and some subscriptions, in case the layer
        has forgotten them."""
        self.listener.join()
        self.subscriptions.renew()

    async def stop(self) -> None:
        """Leave the groups if the layer does so within STOP_TIMEOUT, and end all tasks."""
        if self._timer is not None:
            self._timer.cancel()
        self.listener.leave()
        await asyncio.gather(
            self.commands.flush(STOP_TIMEOUT),
            self.announcer.flush(STOP_TIMEOUT),
            self.subscriptions.stop(),
        )
        await asyncio.gather(self.commands.stop(), self.announcer.stop())
        await self.listener.stop()

    # ------------------------------------------------------------ publications

    def subscribe(self, room: str) -> None:
        """Receive the publications of a room from now on."""
        if self._leaves_process:
            self.subscriptions.subscribe(room)

    def unsubscribe(self, room: str) -> None:
        """Receive the publications of a room no longer."""
        if self._leaves_process:
            self.subscriptions.unsubscribe(room)

    def announce(self, batch: PublicationBatch, *, timeout: float = 0.0) -> None:
        """Send a batch to the workers that subscribe to its room; see :class:`Announcer`."""
        if self._leaves_process:
            self.announcer.announce(batch, timeout=timeout)

    # ------------------------------------------------------------ hints

    def notify(self, kind: HintKind, sessions: Iterable[str]) -> None:
        """Send all workers a hint about these sessions, and those of the next HINT_DELAY."""
        pending = self._pending[kind]
        pending.update(dict.fromkeys(sessions))
        if len(pending) >= MAX_SESSIONS[kind]:
            self._send(kind)
        elif pending and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(HINT_DELAY, self._send_all)

    def _send_all(self) -> None:
        self._timer = None
        for kind in HintKind:
            self._send(kind)

    def _send(self, kind: HintKind) -> None:
        for hint in hints_for(kind, self._pending[kind]):
            self.commands.put(partial(self._layer.group_send, self._group, hint.message()))
        self._pending[kind].clear()

    # ------------------------------------------------------------ receiving

    def on_hint(self, hint: Hint) -> None:
        """Flush soon if the hint may be about sessions here."""
        if self._mark_changed(hint.sessions) or not hint.sessions:
            self._schedule_flush()

    def _schedule_flush(self) -> None:
        now = time.monotonic()
        if now >= self._next_flush:
            self._next_flush = max(now, self._next_flush + FLUSH_INTERVAL)
        self._flush_at(self._next_flush)
