"""Makes from the settings what every process needs, with or without a worker: the store, the
channel layer and its signatures, thread pools, history and sweeper."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.apps import apps
from django.conf import settings as django_settings
from django.db import transaction
from django.db.models import Model
from django.utils.crypto import salted_hmac
from django.utils.encoding import force_bytes

from realtime.bus.hints import room_group_name, workers_group_name
from realtime.bus.signing import Signer
from realtime.common.threads import Bulkheads
from realtime.conf import Settings, current_settings, settings
from realtime.ending.history import History
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.models import ClosedSession
from realtime.store import backends
from realtime.store.contract import BlockingStore, Store
from realtime.store.database.transaction import Database
from realtime.store.log import LogBounds
from realtime.store.ownership import Owner
from realtime.store.params import StoreParams
from realtime.store.records import SessionLimit
from realtime.store.timeouts import Timeouts


@dataclass(frozen=True, slots=True)
class StoreContext:
    """The store of one process, and the parts that work with it. ``id`` is random."""

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
    """The database of the history, and of the sessions unless they are in Redis."""
    return Database(backends.database_alias(settings.store))


def store_params(values: Settings, owner: Owner) -> StoreParams:
    """The parameters of the store, from the settings."""
    return StoreParams(
        timeouts=Timeouts(
            lease_ms=round(values.lease * 1000),
            resume_ms=round(values.resume_window * 1000),
            session_ms=round(values.session_timeout * 1000),
            claim_ms=round(values.claim_timeout * 1000),
        ),
        bounds=LogBounds(
            length=values.log_length,
            bytes=values.log_bytes,
            ttl_ms=round(values.log_ttl * 1000),
            meta_ttl_ms=round(values.log_meta_ttl * 1000),
        ),
        prefix=values.redis_prefix,
        timeout=values.store_timeout,
        owner=owner,
    )


def session_limit() -> SessionLimit | None:
    """How many sessions a user may have; None without a limit."""
    if settings.max_sessions_per_user <= 0:
        return None
    evict_oldest = settings.session_limit == "oldest"
    return SessionLimit(settings.max_sessions_per_user, evict_oldest=evict_oldest)


def blocking_store() -> BlockingStore:
    """The store for blocking calls: in views, commands, the shell."""
    return _blocking_store(current_settings(), owner())


@lru_cache(maxsize=4)  # needed at every publish, and made of a dozen settings
def _blocking_store(values: Settings, owner: Owner) -> BlockingStore:
    return backends.blocking_store(values.store, store_params(values, owner))


def check_tables() -> None:
    """Read from every table that this deployment needs: with the sessions in Redis that of the
    history. Blocking. Raises TablesMissing, and StoreUnavailable if the database fails."""
    needed: list[type[Model]] = [ClosedSession]
    if not backends.is_redis(settings.store):
        needed = list(apps.get_app_config("realtime").get_models())
    where = database()
    with where.read():
        for model in needed:
            list(model._default_manager.using(where.alias).order_by().values_list()[:1])


def on_stored(call: Callable[[], object]) -> None:
    """Call ``call()`` once other processes can read what this thread has stored: now, or after
    the commit of the transaction that it is a part of."""
    if not backends.is_redis(settings.store) and database().connection.in_atomic_block:
        transaction.on_commit(call, using=database().alias, robust=True)
    else:
        call()


def channel_layer() -> Any:
    """The project's channel layer; without one, a layer that does not leave the process."""
    return get_channel_layer() or InMemoryChannelLayer()


def workers_group() -> str:
    """The channel layer's group of all workers that share this registry."""
    return workers_group_name(settings.redis_prefix)


def room_group(room: str) -> str:
    """The channel layer's group of the workers that have members in this room."""
    return room_group_name(settings.redis_prefix, room)


def owner() -> Owner:
    """This deployment, distinguished from others by its secret keys."""
    return Owner(tuple(map(_fingerprint, _secrets())))


# Slow (a tenth of a second, once), against guessing the key from its fingerprint.
FINGERPRINT_ROUNDS, FINGERPRINT_SIZE = 200_000, 12


@lru_cache(maxsize=16)
def _fingerprint(secret: str | bytes) -> str:
    salt = b"realtime.store"
    digest = hashlib.pbkdf2_hmac("sha256", force_bytes(secret), salt, FINGERPRINT_ROUNDS)
    return digest[:FINGERPRINT_SIZE].hex()


def _secrets() -> tuple[str | bytes, ...]:
    return (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)


def signer() -> Signer:
    """The signer of the channel layer's messages, by the project's secret keys."""
    salt = f"realtime.hints:{settings.redis_prefix}"
    return Signer(
        [salted_hmac(salt, "", secret=each, algorithm="sha256").digest() for each in _secrets()]
    )


def build() -> StoreContext:
    """The store and what goes with it, for the running event loop."""
    threads = Bulkheads()
    values = current_settings()
    store = backends.loop_store(values.store, store_params(values, owner()), threads.store)
    history = History(database(), days=settings.history_days)
    id_ = secrets.token_hex(8)
    sequential = not (backends.is_redis(settings.store) or database().is_shared)
    dispatcher = SignalDispatcher(threads.receivers)
    sweeper = Sweeper(
        store, history, threads.history, dispatcher, claimant=id_, sequential=sequential
    )
    return StoreContext(threads, store, dispatcher, sweeper, history, id_)
