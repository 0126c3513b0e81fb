"""Captures what application code publishes."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from realtime.protocol.position import Position
from realtime.publish import publishing
from realtime.store.log import PublishRequest


@dataclass(frozen=True, slots=True)
class Published:
    """A publication: ``data`` as a client decodes it, ``key`` None unless the call had one."""

    room: str
    data: Any
    key: str | None = None


@contextmanager
def capture_publications() -> Iterator[list[Published]]:
    """Keep what the ``publish`` functions of ``realtime.api`` publish inside, in order, and send
    it to no store. A repeated key of a room is kept once.

    Room and data are checked as ever. Within a transaction a publication is kept at the commit,
    which a ``TestCase`` of Django's has in ``captureOnCommitCallbacks(execute=True)`` only. What
    clients publish is not captured.
    """
    kept: list[Published] = []
    positions: dict[tuple[str, str], Position] = {}

    def append(requests: Sequence[PublishRequest]) -> list[Position]:
        return [_keep(request, kept, positions) for request in requests]

    async def append_in_loop(requests: Sequence[PublishRequest], _: object) -> list[Position]:
        return append(requests)

    with mock.patch.multiple(publishing, _publish_now=append, _publish_at=append_in_loop):
        yield kept


def _keep(
    request: PublishRequest, kept: list[Published], positions: dict[tuple[str, str], Position]
) -> Position:
    """The position of this publication, which is that of the first with its key."""
    offset = 1 + sum(each.room == request.room for each in kept)
    name = request.room, request.key or f"#{len(kept)}"
    if name not in positions:
        positions[name] = Position("captured", offset)
        key = request.key.removeprefix("a:") or None
        kept.append(Published(request.room, json.loads(request.data), key))
    return positions[name]
