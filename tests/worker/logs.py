"""A message log in this process that can fail and answer late."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from random import Random
from typing import ParamSpec, TypeVar

from realtime.protocol.position import Position
from realtime.store.contract import StoreUnavailable
from realtime.store.log import Log, LogEnd, LogEntry, LogPage
from realtime.store.operation import Operation

P = ParamSpec("P")
T = TypeVar("T")


class RoomLog:
    """One room's log."""

    def __init__(self, epochs: "itertools.count[int]") -> None:
        self._epochs = epochs
        self.everything: dict[tuple[str, int], LogEntry] = {}
        self.restart()

    def restart(self) -> None:
        self.epoch = f"epoch {next(self._epochs)}"
        self.top = 0
        self.kept: list[LogEntry] = []

    @property
    def end(self) -> LogEnd:
        return LogEnd(Position(self.epoch, self.top), self.top + 1 - len(self.kept))

    def append(self, data: str, *, keep: int) -> LogEntry:
        self.top += 1
        entry = LogEntry(self.top, 0, data)
        self.everything[self.epoch, self.top] = entry
        self.kept = [*self.kept, entry][-keep:]
        return entry

    def read(self, after: int, limit: int) -> LogPage:
        entries = [entry for entry in self.kept if entry.offset > after]
        whole = after + 1 >= self.end.oldest
        return LogPage(self.end, tuple(entries[:limit]) if whole else ())


class InProcessLog(Log):
    """The contract, with ``faults`` as the chance that a call fails, before or after it took
    effect, and up to ``latency`` seconds to wait for it each way."""

    def __init__(self, *, keep: int = 1000, piece: int = 1000, seed: int = 0) -> None:
        self._keep = keep
        self._piece = piece
        self._random = Random(seed)
        self._epochs = itertools.count()
        self.rooms: dict[str, RoomLog] = {}
        self.faults = 0.0
        self.latency = 0.0
        self.error: Exception | None = None  # what every call raises
        self.has_recent = False  # whether recent() answers
        self.ends_calls: list[list[str]] = []
        self.reads: list[tuple[str, float]] = []
        self.reading = self.most_reading = 0

    def room(self, name: str) -> RoomLog:
        """The log of a room, made at first use."""
        return self.rooms.setdefault(name, RoomLog(self._epochs))

    def put(self, name: str, data: str = "1") -> LogEntry:
        """Append at once."""
        return self.room(name).append(data, keep=self._keep)

    async def _delay(self) -> None:
        if self.latency:
            await asyncio.sleep(self._random.choice([0, 0.1, 1]) * self.latency)
        if self.error is not None:
            raise self.error
        if self._random.random() < self.faults:
            raise StoreUnavailable("a fault")

    async def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        raise NotImplementedError

    async def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        self.reads.append((room, asyncio.get_running_loop().time()))
        self.reading += 1
        self.most_reading = max(self.reading, self.most_reading)
        try:
            await self._delay()
            page = self.room(room).read(after, min(limit, self._piece))
            await self._delay()
        finally:
            self.reading -= 1
        return page

    async def ends(self, rooms: Sequence[str], *, keep: bool = True) -> Mapping[str, LogEnd]:
        self.ends_calls.append(list(rooms))
        await self._delay()
        ends = {room: self.room(room).end for room in rooms}
        await self._delay()
        return ends

    async def recent(self) -> Mapping[str, LogEnd] | None:
        await self._delay()
        ends = {name: room.end for name, room in self.rooms.items()} if self.has_recent else None
        await self._delay()
        return ends
