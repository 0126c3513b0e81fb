"""Requests that write: each commits a row and publishes its number. The row then says where that
is in the room's log, so the table is the truth about it."""

from uuid import uuid4

from django.contrib.auth.models import Group

from realtime import api
from realtime.api import StoreUnavailable

TRIES = 3


def write(room: str) -> int:
    """Commit and publish. Returns the number; raises StoreUnavailable if the store stays away."""
    row = Group.objects.create(name=f"{room} {uuid4().hex}")  # any table does
    position = publish(room, row.pk)
    Group.objects.filter(pk=row.pk).update(name=f"{room} {position}")
    return row.pk


def publish(room: str, number: int, *, tries: int = TRIES) -> api.Position | None:
    """Repeat it with its key: it is published once."""
    try:
        return api.publish(room, {"n": number}, key=str(number))
    except StoreUnavailable:
        if tries == 1:
            raise
        return publish(room, number, tries=tries - 1)


def rows_of(room: str) -> list[int]:
    """The numbers of its rows: the committed ones, or those in the transaction's snapshot."""
    return [*Group.objects.filter(name__startswith=f"{room} ").values_list("pk", flat=True)]
