"""The message log on Redis, as script steps."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from realtime.protocol.position import Position

from ..log import (
    KEY_KEPT_MS,
    MAX_BATCH,
    LogBounds,
    LogEnd,
    LogEntry,
    LogPage,
    PublishRequest,
    PublishResult,
    check_read,
    check_requests,
    check_rooms,
)
from .ownership import OwnedOperations, Ownership
from .scripts import ScriptCall, ScriptCalls, ScriptSteps

# An epoch, the newest offset, the oldest.
_End: TypeAlias = tuple[str, int, int]

_results = msgspec.msgpack.Decoder(list[tuple[str, int, int, bool]])
_ends = msgspec.msgpack.Decoder(list[_End])
_read = msgspec.msgpack.Decoder(tuple[_End, list[str]])


class LogOperations(OwnedOperations):
    """Methods of the contract, each one call at most. Redis itself expires logs and keys."""

    def __init__(self, calls: ScriptCalls, ownership: Ownership, bounds: LogBounds) -> None:
        super().__init__(calls, ownership)
        self._bounds = bounds

    def append(self, requests: Sequence[PublishRequest]) -> ScriptSteps[tuple[PublishResult, ...]]:
        check_requests(requests)
        if not requests:
            return ()
        answer = yield self._call(
            "append",
            [request.room for request in requests],
            requests=[_of_request(request) for request in requests],
            length=self._bounds.length,
            bytes=self._bounds.bytes,
            kept_ms=KEY_KEPT_MS,
        )
        return tuple(
            PublishResult(Position(epoch, offset), time, fresh)
            for epoch, offset, time, fresh in _results.decode(answer)
        )

    def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> ScriptSteps[LogPage]:
        check_read(room, after=after, limit=limit, max_bytes=max_bytes)
        answer = yield self._call("read", [room], after=after, limit=limit, max_bytes=max_bytes)
        end, texts = _read.decode(answer)
        entries = (_entry(offset, text) for offset, text in enumerate(texts, after + 1))
        return LogPage(_end(end), tuple(entries))

    def ends(self, rooms: Sequence[str], *, keep: bool = True) -> ScriptSteps[Mapping[str, LogEnd]]:
        check_rooms(rooms)
        if not rooms:
            return {}
        answer = yield self._call("ends", rooms, keep=keep)
        return dict(zip(rooms, map(_end, _ends.decode(answer)), strict=True))

    def recent(self) -> ScriptSteps[Mapping[str, LogEnd] | None]:
        """No call: workers are notified through a channel layer."""
        yield from ()
        return None

    def prune(self, limit: int = MAX_BATCH) -> ScriptSteps[int]:
        """No call."""
        yield from ()
        return 0

    def _call(self, script: str, rooms: Sequence[str], **given: Any) -> ScriptCall:
        payload = {
            # Never the same twice, so not from `random`, which an application may seed.
            "epoch": secrets.token_hex(6),
            "ttl_ms": self._bounds.ttl_ms,
            "meta_ttl_ms": self._bounds.meta_ttl_ms,
            "offset_ms": round(self._calls.clock_offset * 1000),
            **given,
        }
        return ScriptCall(f"log/{script}", msgspec.msgpack.encode(payload), tuple(rooms))


def _of_request(request: PublishRequest) -> dict[str, str]:
    fields = {"data": request.data, "key": request.key}
    return fields if request.key else {"data": request.data}


def _end(answer: _End) -> LogEnd:
    epoch, top, oldest = answer
    return LogEnd(Position(epoch, top), oldest)


def _entry(offset: int, text: str) -> LogEntry:
    time, _, data = text.partition(" ")
    return LogEntry(offset, int(time), data)
