"""What a process needs to speak with the store and the channel layer, worker or not, put
together from the settings."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings as django_settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.encoding import force_bytes

from realtime.bus.hints import room_group_name, workers_group_name
from realtime.bus.signing import Signer
from realtime.common.threads import Bulkheads
from realtime.conf import Settings, current, settings
from realtime.ending.history import History
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.store import backends
from realtime.store.contract import BlockingStore, Store
from realtime.store.database.transaction import Database
from realtime.store.log import LogBounds
from realtime.store.ownership import Owner
from realtime.store.records import SessionLimit
from realtime.store.timeouts import Timeouts


@dataclass(frozen=True, slots=True)
class StoreContext:
    """What a process needs to speak with the store, worker or not."""

    threads: Bulkheads
    store: Store
    dispatcher: SignalDispatcher
    sweeper: Sweeper
    history: History
    id: str

    async def aclose(self) -> None:
        """Release threads and connections."""
        await self.store.aclose()
        await self.threads.aclose()


def database() -> Database:
    """The project's database that holds the history, and sessions if they are not in Redis."""
    return Database(backends.database_alias(settings.store))


def timeouts(values: Settings) -> Timeouts:
    """The durations that the store applies."""
    return Timeouts(
        lease_ms=round(values.lease * 1000),
        resume_ms=round(values.resume_window * 1000),
        session_ms=round(values.session_timeout * 1000),
        claim_ms=round(values.claim_timeout * 1000),
    )


def bounds(values: Settings) -> LogBounds:
    """What the store keeps of a room's messages."""
    return LogBounds(
        length=values.log_length,
        bytes=values.log_bytes,
        ttl_ms=round(values.log_ttl * 1000),
        meta_ttl_ms=round(values.log_meta_ttl * 1000),
    )


def session_limit() -> SessionLimit | None:
    """How many sessions a user may have; None if nobody counts."""
    if settings.max_sessions_per_user <= 0:
        return None
    return SessionLimit(
        settings.max_sessions_per_user, evict_oldest=settings.session_limit == "oldest"
    )


def blocking_store() -> BlockingStore:
    """The store for a thread that waits: views, commands, the shell."""
    return _blocking_store(current(), owner())


@lru_cache(maxsize=4)  # it is asked for at every publish, and made of a dozen settings
def _blocking_store(values: Settings, owner: Owner) -> BlockingStore:
    return backends.blocking_store(
        values.store,
        timeouts(values),
        bounds(values),
        prefix=values.redis_prefix,
        timeout=values.store_timeout,
        owner=owner,
    )


def once_stored(call: Callable[[], object]) -> None:
    """Call once the store shows to others what this thread has asked of it: now, or when
    the transaction commits that the request is a part of."""
    if not backends.is_redis(settings.store) and database().connection.in_atomic_block:
        transaction.on_commit(call, using=database().alias, robust=True)
    else:
        call()


def channel_layer() -> Any:
    """The project's channel layer; without one, one in which a worker hears itself only."""
    return get_channel_layer() or InMemoryChannelLayer()


def workers_group() -> str:
    """The channel layer's group of all workers that share this registry."""
    return workers_group_name(settings.redis_prefix)


def room_group(room: str) -> str:
    """The channel layer's group of those workers that have somebody in this room."""
    return room_group_name(settings.redis_prefix, room)


def owner() -> Owner:
    """This deployment, told from others by its secret keys."""
    return Owner(tuple(map(_fingerprint, _secrets())))


# Slow, for whoever has a fingerprint and guesses at the key: a tenth of a second, once.
FINGERPRINT_ROUNDS, FINGERPRINT_SIZE = 200_000, 12


@lru_cache(maxsize=16)
def _fingerprint(secret: str | bytes) -> str:
    salt = b"realtime.store"
    digest = hashlib.pbkdf2_hmac("sha256", force_bytes(secret), salt, FINGERPRINT_ROUNDS)
    return digest[:FINGERPRINT_SIZE].hex()


def _secrets() -> tuple[str | bytes, ...]:
    return (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)


def signer() -> Signer:
    """The seals of what travels through the channel layer, by the project's secret."""
    secrets_ = _secrets()
    salt = f"realtime.hints:{settings.redis_prefix}"
    return Signer(
        [salted_hmac(salt, "", secret=each, algorithm="sha256").digest() for each in secrets_]
    )


def build() -> StoreContext:
    """The store and what goes with it, for the running event loop."""
    threads = Bulkheads()
    store = backends.loop_store(
        settings.store,
        timeouts(settings),
        bounds(settings),
        threads.store,
        prefix=settings.redis_prefix,
        timeout=settings.store_timeout,
        owner=owner(),
    )
    history = History(database(), days=settings.history_days)
    id_ = secrets.token_hex(8)
    sequential = not (backends.is_redis(settings.store) or database().is_shared)
    dispatcher = SignalDispatcher(threads.receivers)
    sweeper = Sweeper(
        store, history, threads.history, dispatcher, claimant=id_, sequential=sequential
    )
    return StoreContext(threads, store, dispatcher, sweeper, history, id_)
