"""Where drafts with a key were put, on Django models."""

from collections.abc import Collection, Sequence
from typing import Any

from realtime.models import RoomKey
from realtime.protocol.position import Position

from ..log import KEY_KEPT_MS, PublishRequest, PublishResult
from .ages import Ages
from .transaction import Database


class PublicationKeys:
    """Read within the caller's transaction, which has locked the rooms."""

    def __init__(self, database: Database) -> None:
        self.rows = RoomKey.objects.using(database.alias)

    def recall(
        self, drafts: Sequence[PublishRequest], ages: Ages
    ) -> dict[tuple[str, str], PublishResult]:
        """Where those of the drafts were put that have been appended before."""
        named = {(draft.room, draft.key) for draft in drafts if draft.key}
        if not named:
            return {}
        return {
            (row.room, row.key): PublishResult(Position(row.epoch, row.offset), row.time)
            for row in self.rows.raw(*_pairs(named, ages.now))
            if not ages.is_over(row.time, KEY_KEPT_MS)
        }


def _pairs(named: Collection[tuple[str, str]], now: int) -> tuple[str, list[Any]]:
    """The query for these keys. With a list of rooms and one of keys, as Django would put
    it, a database looks for each of those keys in each of those rooms."""
    table = RoomKey._meta.db_table
    pairs = ", ".join(["(%s, %s)"] * len(named))
    sql = f'SELECT * FROM {table} WHERE expires_at > %s AND ("room", "key") IN (VALUES {pairs})'  # noqa: S608  # own names
    return sql, [now, *(text for pair in named for text in pair)]


def key_of(draft: PublishRequest, answer: PublishResult) -> RoomKey:
    """The row that remembers where this draft was put."""
    return RoomKey(
        room=draft.room,
        key=draft.key,
        epoch=answer.position.epoch,
        offset=answer.position.offset,
        time=answer.time,
        expires_at=answer.time + KEY_KEPT_MS,
    )
