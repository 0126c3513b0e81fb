"""Publishing: checks and encodes data, appends it to the store's log once transactions have
committed, then announces it to the workers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections

from realtime import composition
from realtime.bus.node import leaves_process
from realtime.common.green_threads import is_eventlet_patched
from realtime.common.transactions import on_all_committed, open_transactions
from realtime.conf import settings
from realtime.protocol import rooms
from realtime.protocol.json_limits import TOO_DEEP, BadValue, check_json
from realtime.protocol.position import Position
from realtime.store.contract import StoreUnavailable, StoreUnusable
from realtime.store.log import MAX_BATCH, PublishRequest
from realtime.worker.rooms.publisher import batch_of
from realtime.worker.runtime import Runtime

from . import async_calls, notifying

MAX_KEY_LENGTH = 200  # characters

# ---------------------------------------------------------------- what may be published

_encoder = DjangoJSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode_data(data: Any) -> str:
    """Encode the data of a publication as JSON; dates, UUIDs and decimals as Django does. Raises
    TypeError if JSON cannot express it, and ValueError if a browser would misread it (integers
    beyond 2**53, NaN, lone surrogates, deep nesting) or if it is too large."""
    try:
        text = _encoder.encode(data)
        size = len(text.encode())
    except TypeError as error:
        raise TypeError(f"expected data that JSON can express: {error}") from None
    except UnicodeEncodeError:
        raise ValueError("expected text without lone surrogates") from None
    except RecursionError:
        raise BadValue(TOO_DEEP) from None
    except ValueError as error:
        raise ValueError(f"expected data that JSON can express: {error}") from None
    if size > settings.max_publication:
        raise ValueError(
            f"expected at most {settings.max_publication} bytes of JSON (MAX_PUBLICATION), "
            f"not {size}; send a reference to what is larger"
        )
    check_json(text)
    return text


def publish_request(room: str, data: Any, key: str | None = None) -> PublishRequest:
    """Check and encode a publication. Raises ValueError and TypeError."""
    if not isinstance(room, str) or not rooms.is_room(room):
        raise ValueError(f"expected {rooms.EXPECTED}, not {room!r}")
    return PublishRequest(room, encode_data(data), "" if key is None else f"a:{_checked_key(key)}")


def _checked_key(key: str) -> str:
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_LENGTH or "\0" in key:
        raise ValueError(f"expected a key of 1 to {MAX_KEY_LENGTH} characters, none of them NUL")
    return key


def room_of(user: Any) -> str:
    """Return the private room of a user, or of a primary key. Raises ValueError for an unsaved or
    anonymous user."""
    key = getattr(user, "pk", user)
    return rooms.room_of("" if key is None else str(key))


# ---------------------------------------------------------------- when it is published


def publish(requests: Sequence[PublishRequest]) -> list[Position] | None:
    """Publish these in order and return their positions.

    While this thread has transactions open, in any databases, returns None and publishes when
    all of them have committed. Raises StoreUnavailable, TransactionManagementError if a
    transaction is managed by hand, and ImproperlyConfigured under eventlet.
    """
    _check_can_announce()
    if within := open_transactions(also_of_tests=(composition.database().alias, "default")):
        for request in requests:
            _DeferredPublication(request, within)
        return None
    return _publish_now(requests)


def _check_can_announce() -> None:
    if is_eventlet_patched() and leaves_process(composition.channel_layer()):
        raise ImproperlyConfigured(
            "a process that eventlet has patched cannot publish through a channel layer: "
            "run it with gevent, threads or processes"
        )


async def apublish(requests: Sequence[PublishRequest]) -> list[Position] | None:
    """:func:`publish`, for an event loop."""
    return await async_calls.call_async(partial(_publish_at, requests), partial(publish, requests))


async def _publish_at(requests: Sequence[PublishRequest], worker: Runtime) -> list[Position]:
    positions = []
    for batch in _batches(requests):
        with _unknown_if_unavailable():
            positions += [each.position for each in await worker.publisher.publish_all(batch)]
    return positions


def _publish_now(requests: Sequence[PublishRequest]) -> list[Position]:
    return [position for batch in _batches(requests) for position in _append(batch)]


def _batches(requests: Sequence[PublishRequest]) -> Iterator[Sequence[PublishRequest]]:
    return (requests[start : start + MAX_BATCH] for start in range(0, len(requests), MAX_BATCH))


def _append(requests: Sequence[PublishRequest]) -> list[Position]:
    with _unknown_if_unavailable():
        results = composition.blocking_store().log.append(requests)
    notifying.announce([batch_of(*each) for each in zip(requests, results, strict=True)])
    return [each.position for each in results]


@contextmanager
def _unknown_if_unavailable() -> Iterator[None]:
    try:
        yield
    except StoreUnusable:  # nothing was published
        raise
    except StoreUnavailable as error:
        raise StoreUnavailable(
            f"{error}; whether it was published is unknown: "
            "to publish again with the same key is safe, without a key it may be there twice"
        ) from error


class _DeferredPublication:
    """A publication that waits for the open transactions to commit; a rollback drops it.
    Consecutive ones of one transaction that can only commit or roll back together share a batch:
    the first of them to be called publishes all that follow it."""

    def __init__(self, request: PublishRequest, databases: Sequence[str]) -> None:
        self.request = request
        self.batch = [self]
        self.is_published = False
        self._databases = tuple(databases)
        if len(databases) == 1:
            self._join_previous(databases[0])
        on_all_committed(self.on_commit, databases)

    def _join_previous(self, alias: str) -> None:
        """Join the batch of the previous commit hook if no savepoint can separate the two."""
        hooks, savepoints = connections[alias].run_on_commit, connections[alias].savepoint_ids
        if not hooks or hooks[-1][0] != set(savepoints):
            return
        previous = getattr(hooks[-1][1], "__self__", None)
        if not isinstance(previous, _DeferredPublication):
            return
        if previous._databases == self._databases and len(previous.batch) < MAX_BATCH:
            self.batch = previous.batch
            self.batch.append(self)

    def on_commit(self) -> None:
        """Publish this and what follows in the batch, unless an earlier call has done so."""
        if self.is_published:
            return
        due = self.batch[self.batch.index(self) :]
        for each in due:
            each.is_published = True
        # Transactions opened since may end later, the store's own among them.
        still_open = [each for each in open_transactions() if each not in self._databases]
        if still_open:
            for each in due:
                _DeferredPublication(each.request, still_open)
        else:
            _publish_now([each.request for each in due])
