"""Where publications with a key were put, on Django models."""

from collections.abc import Collection, Sequence
from typing import Any

from realtime.models import RoomKey
from realtime.protocol.position import Position

from ..log import KEY_KEPT_MS, PublishRequest, PublishResult
from .log_ages import Ages
from .transaction import Database


class PublicationKeys:
    """Read within the caller's transaction, which has locked the rooms."""

    def __init__(self, database: Database) -> None:
        self.rows = RoomKey.objects.using(database.alias)

    def find(
        self, requests: Sequence[PublishRequest], ages: Ages
    ) -> dict[tuple[str, str], PublishResult]:
        """The results of those requests that were appended before, by room and key."""
        named = {(request.room, request.key) for request in requests if request.key}
        if not named:
            return {}
        return {
            (row.room, row.key): PublishResult(Position(row.epoch, row.offset), row.time)
            for row in self.rows.raw(*_query(named, ages.now))
            if not ages.is_over(row.time, KEY_KEPT_MS)
        }


def _query(named: Collection[tuple[str, str]], now: int) -> tuple[str, list[Any]]:
    """The query for these pairs. Given a list of rooms and one of keys, as Django would write it,
    a database searches each of the keys in each of the rooms."""
    table = RoomKey._meta.db_table
    pairs = ", ".join(["(%s, %s)"] * len(named))
    sql = f'SELECT * FROM {table} WHERE expires_at > %s AND ("room", "key") IN (VALUES {pairs})'  # noqa: S608  # own names
    return sql, [now, *(text for pair in named for text in pair)]


def key_of(request: PublishRequest, result: PublishResult) -> RoomKey:
    """The row that remembers where this request was put."""
    return RoomKey(
        room=request.room,
        key=request.key,
        epoch=result.position.epoch,
        offset=result.position.offset,
        time=result.time,
        expires_at=result.time + KEY_KEPT_MS,
    )
