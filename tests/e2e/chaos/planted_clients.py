"""Faults planted in the Python client, by which the checker is checked as by those in workers."""

import uuid
from collections.abc import Callable
from typing import Any

from realtime.client import IncomingMessage, RealtimeClient, Resync
from realtime.client.subscription import RoomCursor


def dropped_publication(client: RealtimeClient) -> None:
    """No handle gets the first publication after a resume."""

    def drop_first(rooms: Any) -> None:
        for room in rooms._rooms.values():
            for cursor in room.subscription.cursors:
                _drop_first(cursor)

    _at_every_loss(client, drop_first)


def _drop_first(cursor: RoomCursor) -> None:
    receive = cursor.receive

    def drop(item: IncomingMessage | Resync) -> None:
        cursor.receive = receive
        if isinstance(item, Resync):
            receive(item)

    cursor.receive = drop


def another_key(client: RealtimeClient) -> None:
    """A message without an answer is sent again as a new one."""

    def rename(rooms: Any) -> None:
        for room in rooms._rooms.values():
            for message in room.outbox._waiting:
                message.key = uuid.uuid4().hex

    _at_every_loss(client, rename)


def _at_every_loss(client: RealtimeClient, change: Callable[[Any], None]) -> None:
    rooms: Any = client._traffic.rooms
    lose = rooms.lose

    def lose_and_change() -> None:
        lose()
        change(rooms)

    rooms.lose = lose_and_change


CLIENT_FAULTS = {"dropped publication": dropped_publication, "another key": another_key}
