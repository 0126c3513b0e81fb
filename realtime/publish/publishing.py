"""Publishing from sync code: what may be published, and when it is.

The store's log is told first, then whoever wants to hear of it at once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections

from realtime import composition
from realtime.common.transactions import once_committed, open_transactions
from realtime.conf import settings
from realtime.protocol import rooms
from realtime.protocol.json_limits import TOO_DEEP, BadValue, check_json
from realtime.protocol.position import Position
from realtime.store.contract import StoreUnavailable
from realtime.store.log import MAX_BATCH, PublishRequest
from realtime.worker.rooms.publisher import bundle_of
from realtime.worker.runtime import Runtime

from . import async_calls, notifying

LONGEST_KEY = 200  # characters

# ---------------------------------------------------------------- what may be published

_encoder = DjangoJSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode_data(data: Any) -> str:
    """The data of a publication as JSON, with Django's words for dates, UUIDs and decimals.

    Raises TypeError for what JSON has no word for, and ValueError for what a browser could not
    read as it is meant, or what is too large.
    """
    try:
        text = _encoder.encode(data)
        size = len(text.encode())
    except TypeError as error:
        raise TypeError(f"expected data that JSON has words for: {error}") from None
    except UnicodeEncodeError:
        raise ValueError("expected text without lone surrogates") from None
    except RecursionError:
        raise BadValue(TOO_DEEP) from None
    except ValueError as error:
        raise ValueError(f"expected data that JSON has words for: {error}") from None
    if size > settings.max_publication:
        raise ValueError(
            f"expected at most {settings.max_publication} bytes of JSON (MAX_PUBLICATION), "
            f"not {size}; publish a reference to what is larger"
        )
    check_json(text)
    return text


def publish_request(room: str, data: Any, key: str | None = None) -> PublishRequest:
    """What is to be published, checked and encoded. Raises ValueError and TypeError."""
    if not isinstance(room, str) or not rooms.is_room(room):
        raise ValueError(f"expected {rooms.EXPECTED}, not {room!r}")
    return PublishRequest(room, encode_data(data), "" if key is None else f"a:{_checked(key)}")


def _checked(key: str) -> str:
    if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_KEY or "\0" in key:
        raise ValueError(f"expected a key of 1 to {LONGEST_KEY} characters, none of them NUL")
    return key


def room_of(user: Any) -> str:
    """The private room of a user, or of a primary key.

    Raises ValueError for nobody, and for a key that cannot be part of a room's name.
    """
    key = getattr(user, "pk", user)
    if key is None:
        raise ValueError("expected a user who is saved; nobody anonymous has a room")
    return rooms.room_of(str(key))


# ---------------------------------------------------------------- when it is published


def publish(drafts: Sequence[PublishRequest]) -> list[Position] | None:
    """Publish these in their order: now, or when all transactions have committed that this
    thread has open, in whichever databases; then None.

    Raises StoreUnavailable, TransactionManagementError where a transaction is managed by
    hand, and ImproperlyConfigured in a process of eventlet's.
    """
    notifying.check()
    if within := open_transactions(also_of_tests=(composition.database().alias, "default")):
        for draft in drafts:
            _Deferred(draft, within)
        return None
    return _publish_now(drafts)


async def apublish(drafts: Sequence[PublishRequest]) -> list[Position] | None:
    """:func:`publish`, for an event loop."""
    return await async_calls.answer(partial(_publish_at, drafts), partial(publish, drafts))


async def _publish_at(drafts: Sequence[PublishRequest], worker: Runtime) -> list[Position]:
    positions = []
    for batch in _batches(drafts):
        with _unknown_if_unavailable():
            positions += [each.position for each in await worker.publisher.publish_all(batch)]
    return positions


def _publish_now(drafts: Sequence[PublishRequest]) -> list[Position]:
    return [position for batch in _batches(drafts) for position in _append(batch)]


def _batches(drafts: Sequence[PublishRequest]) -> Iterator[Sequence[PublishRequest]]:
    return (drafts[start : start + MAX_BATCH] for start in range(0, len(drafts), MAX_BATCH))


def _append(drafts: Sequence[PublishRequest]) -> list[Position]:
    with _unknown_if_unavailable():
        appended = composition.blocking_store().log.append(drafts)
    notifying.announce([bundle_of(*each) for each in zip(drafts, appended, strict=True)])
    return [each.position for each in appended]


@contextmanager
def _unknown_if_unavailable() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise StoreUnavailable(
            f"{error}; whether it was published is unknown: "
            "to publish again with the same key is safe, without a key it may be there twice"
        ) from error


class _Deferred:
    """A draft that waits until all transactions have committed that it is published in; one
    that is rolled back takes it along.

    Those that follow each other in one transaction, and are sure to be committed or rolled
    back together, make a batch: the first that is called publishes all that follow it.
    """

    def __init__(self, draft: PublishRequest, databases: Sequence[str]) -> None:
        self.draft = draft
        self.batch = [self]
        self.is_published = False
        self._databases = tuple(databases)
        if len(databases) == 1:
            self._follow(databases[0])
        once_committed(self.committed, databases)

    def _follow(self, alias: str) -> None:
        """Be in one batch with whoever waits just before, if nothing can part the two."""
        hooks, savepoints = connections[alias].run_on_commit, connections[alias].savepoint_ids
        if not hooks or hooks[-1][0] != set(savepoints):
            return
        before = getattr(hooks[-1][1], "__self__", None)
        if not isinstance(before, _Deferred) or before._databases != self._databases:
            return
        if len(before.batch) < MAX_BATCH:
            self.batch = before.batch
            self.batch.append(self)

    def committed(self) -> None:
        """All of the transactions have committed. Publishes this and what follows it, unless
        one before this has."""
        if self.is_published:
            return
        due = self.batch[self.batch.index(self) :]
        for each in due:
            each.is_published = True
        # Others may have been opened since, and end later: the store's own among them.
        within = [each for each in open_transactions() if each not in self._databases]
        if within:
            for each in due:
                _Deferred(each.draft, within)
        else:
            _publish_now([each.draft for each in due])
