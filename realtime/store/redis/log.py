"""The message log as talks with Redis, and for whoever drives them."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from realtime.protocol.position import Position

from ..log import (
    KEY_KEPT_MS,
    MAX_BATCH,
    BlockingLog,
    Log,
    LogBounds,
    LogEnd,
    LogEntry,
    LogPage,
    PublishRequest,
    PublishResult,
    check_drafts,
    check_read,
    check_rooms,
)
from .scripts import Operation, ScriptCall, ScriptCalls

T = TypeVar("T")

# An epoch, the newest offset, the oldest.
_End: TypeAlias = tuple[str, int, int]

_appended = msgspec.msgpack.Decoder(list[tuple[str, int, int, bool]])
_ends = msgspec.msgpack.Decoder(list[_End])
_read = msgspec.msgpack.Decoder(tuple[_End, list[str]])


class LogOperations:
    """See the contract for what each method does."""

    def __init__(self, calls: ScriptCalls, bounds: LogBounds) -> None:
        self._calls = calls
        self._bounds = bounds

    def append(self, drafts: Sequence[PublishRequest]) -> Operation[tuple[PublishResult, ...]]:
        """One call."""
        check_drafts(drafts)
        if not drafts:
            return ()
        answer = yield self._call(
            "append",
            [draft.room for draft in drafts],
            drafts=[_of_draft(draft) for draft in drafts],
            length=self._bounds.length,
            bytes=self._bounds.bytes,
            kept_ms=KEY_KEPT_MS,
        )
        return tuple(
            PublishResult(Position(epoch, offset), time, fresh)
            for epoch, offset, time, fresh in _appended.decode(answer)
        )

    def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> Operation[LogPage]:
        """One call."""
        check_read(room, after=after, limit=limit, max_bytes=max_bytes)
        answer = yield self._call("read", [room], after=after, limit=limit, max_bytes=max_bytes)
        end, texts = _read.decode(answer)
        entries = (_entry(offset, text) for offset, text in enumerate(texts, after + 1))
        return LogPage(_end(end), tuple(entries))

    def ends(self, rooms: Sequence[str]) -> Operation[Mapping[str, LogEnd]]:
        """One call."""
        check_rooms(rooms)
        if not rooms:
            return {}
        answer = yield self._call("ends", rooms)
        return dict(zip(rooms, map(_end, _ends.decode(answer)), strict=True))

    def _call(self, script: str, rooms: Sequence[str], **given: Any) -> ScriptCall:
        payload = {
            # Never the same twice: not from a generator that an application may have seeded.
            "epoch": secrets.token_hex(6),
            "ttl_ms": self._bounds.ttl_ms,
            "meta_ttl_ms": self._bounds.meta_ttl_ms,
            "offset_ms": round(self._calls.clock_offset * 1000),
            **given,
        }
        return ScriptCall(f"log/{script}", msgspec.msgpack.encode(payload), tuple(rooms))


def _of_draft(draft: PublishRequest) -> dict[str, str]:
    return {"data": draft.data, "key": draft.key} if draft.key else {"data": draft.data}


def _end(answer: _End) -> LogEnd:
    epoch, top, oldest = answer
    return LogEnd(Position(epoch, top), oldest)


def _entry(offset: int, text: str) -> LogEntry:
    time, _, data = text.partition(" ")
    return LogEntry(offset, int(time), data)


class BlockingDriver(Protocol):
    """Carries a talk on to its end."""

    def __call__(self, talk: Operation[T]) -> T: ...


class LoopDriver(Protocol):
    """The same, for an event loop."""

    async def __call__(self, talk: Operation[T]) -> T: ...


class RedisBlockingLog(BlockingLog):
    """Each method is a talk. What is over is forgotten by Redis itself."""

    def __init__(self, run: BlockingDriver, talks: LogOperations) -> None:
        self._run = run
        self._talks = talks

    def append(self, drafts: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        return self._run(self._talks.append(drafts))

    def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        return self._run(self._talks.read(room, after=after, limit=limit, max_bytes=max_bytes))

    def ends(self, rooms: Sequence[str]) -> Mapping[str, LogEnd]:
        return self._run(self._talks.ends(rooms))

    def recent(self) -> Mapping[str, LogEnd] | None:
        return None

    def prune(self, limit: int = MAX_BATCH) -> int:
        return 0


class RedisLog(Log):
    """The same for an event loop."""

    def __init__(self, run: LoopDriver, talks: LogOperations) -> None:
        self._run = run
        self._talks = talks

    async def append(self, drafts: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        return await self._run(self._talks.append(drafts))

    async def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        return await self._run(
            self._talks.read(room, after=after, limit=limit, max_bytes=max_bytes)
        )

    async def ends(self, rooms: Sequence[str]) -> Mapping[str, LogEnd]:
        return await self._run(self._talks.ends(rooms))

    async def recent(self) -> Mapping[str, LogEnd] | None:
        return None

    async def prune(self, limit: int = MAX_BATCH) -> int:
        return 0
