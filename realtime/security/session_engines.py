"""Reads sessions from Django's session engines, and changes none.

An engine returns an empty session for one that does not exist, for one that it cannot decode,
and, on a cache, while the cache is away. This module distinguishes the three:

1. A session that exists is a :class:`StoredSession`, even if its content cannot be decoded.
2. A session that is missing from the result does not exist. Where the engine may hide an outage,
   an empty session counts as missing only after a session of our own was written and read back.
3. Anything else raises StoreUnavailable.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends import cache, cached_db, db, signed_cookies
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, SessionBase
from django.core import signing
from django.db import router
from django.utils import timezone
from django.utils.crypto import get_random_string

from realtime.store.contract import StoreUnavailable
from realtime.store.database.transaction import translate_database_errors

# An undecodable session was signed by a key that is newer than this process, or by a retired one.
# The key is a retired one if it signed this many seconds before the process started: the margin
# allows for clocks that differ, and for the time between the two steps of a rotation.
STARTED, MARGIN = time.time(), 3600.0

MAX_CACHE_KEY = 128  # characters of a session key; memcached takes less than 250 with its prefix

PROBE, PROBE_AGE = "_realtime_probe", 60  # seconds until a probe's session expires


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session that exists. ``data`` is empty if this process cannot decode it; ``signed`` tells
    whether one of this process's keys has signed it."""

    data: dict[str, Any]
    signed: bool


@contextmanager
def translate_engine_errors() -> Iterator[None]:
    """Raises StoreUnavailable for any exception of an engine, a cache or a backend."""
    try:
        with translate_database_errors():
            yield
    except StoreUnavailable:
        raise
    except Exception as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


def load(keys: Sequence[str]) -> dict[str, StoredSession]:
    """The sessions of these keys that exist and have not expired. Blocking.

    Raises StoreUnavailable if it cannot be known.
    """
    engine = _engine()
    with translate_engine_errors():
        found = _read(engine, keys)
        missing = [key for key in keys if key not in found]
        if missing and _may_hide(engine):
            _proof.require(engine, since=time.monotonic())
            found |= _read(engine, missing)
    return found


def probe() -> None:
    """Use the sessions' store once as logins need it. Blocking.

    Raises StoreUnavailable with the cause.
    """
    engine = _engine()
    with translate_engine_errors():
        if _may_hide(engine):
            _write_and_read_back(engine)
        else:
            _read(engine, [get_random_string(32, VALID_KEY_CHARS)])


def _engine() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def are_in_cookies() -> bool:
    """Whether sessions are stored in the browsers' cookies only."""
    return issubclass(_engine(), signed_cookies.SessionStore)


def _has_rows(engine: Any) -> bool:
    """Whether the engine reads sessions as Django's engine on a database does. A cache in front
    of a database holds no session that is not in the database."""
    loads = getattr(engine, "load", None)
    if loads not in (db.SessionStore.load, cached_db.SessionStore.load):
        return False
    original: Any = db.SessionStore
    return bool(engine._get_session_from_db is original._get_session_from_db)


def _may_hide(engine: Any) -> bool:
    """Whether the engine may return an empty session while its store is away."""
    return not _has_rows(engine) and not issubclass(engine, signed_cookies.SessionStore)


# ---------------------------------------------------------------- reading


def _read(engine: Any, keys: Sequence[str]) -> dict[str, StoredSession]:
    if _has_rows(engine):
        return _read_rows(engine, keys)
    if engine.load is cache.SessionStore.load:
        return _read_cache(engine, keys)
    read = ((key, _read_one(engine, key)) for key in keys)
    return {key: stored for key, stored in read if stored is not None}


def _read_rows(engine: Any, keys: Sequence[str]) -> dict[str, StoredSession]:
    model = engine.get_model_class()
    valid = model.objects.filter(session_key__in=list(keys), expire_date__gt=timezone.now())
    rows: dict[str, str] = {}
    # A replica may lack the newest sessions.
    for alias in {router.db_for_read(model): None, router.db_for_write(model): None}:
        if len(rows) < len(keys):
            found = valid.using(alias).values_list("session_key", "session_data")
            rows = dict(found) | rows
    decoded = ((key, _reader(engine)(key).decode_row(text)) for key, text in rows.items())
    return {key: stored for key, stored in decoded if stored is not None}


def _read_cache(engine: Any, keys: Sequence[str]) -> dict[str, StoredSession]:
    """Read all at once, from the cache itself: the engine would swallow its exceptions."""
    store = engine()
    names = {store.cache_key_prefix + key: key for key in keys if _is_cache_key(key)}
    found = store._cache.get_many(list(names))
    return {names[name]: StoredSession(data, signed=False) for name, data in found.items() if data}


def _is_cache_key(key: str) -> bool:
    """Whether a cache takes the key: memcached raises for others, which is no outage."""
    return 8 <= len(key) <= MAX_CACHE_KEY and key.isascii() and key.isprintable() and " " not in key


def _read_one(engine: Any, key: str) -> StoredSession | None:
    if issubclass(engine, signed_cookies.SessionStore):
        return _read_cookie(engine, key)
    reader = _reader(engine)(key)
    data = reader.load()
    if data:
        return StoredSession(data, signed=reader.signed)
    return StoredSession({}, signed=False) if reader.unreadable else None


def _read_cookie(engine: Any, key: str) -> StoredSession | None:
    reader = _reader(engine)(key)
    if data := reader.load():
        return StoredSession(data, signed=True)
    salt = "django.contrib.sessions.backends.signed_cookies"
    foreign = _is_foreign(key, salt=salt, serializer=reader.serializer)
    return StoredSession({}, signed=False) if foreign else None


class _Reader(SessionBase):
    """A mixin for an engine: writes nothing, and records whether decoding has failed.

    The engine on files would otherwise replace an expired session.
    """

    signed = unreadable = False
    uses_django_format: bool

    def create(self) -> None:
        """Write nothing."""

    def delete(self, session_key: str | None = None) -> None:
        """Write nothing."""

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """The session's data, {} if the engine cannot decode it."""
        data: dict[str, Any] = super().decode(session_data)
        self.signed = bool(data) and self.uses_django_format
        if not data:
            salt, serializer = self.key_salt, self.serializer
            foreign = _is_foreign(str(session_data), salt=salt, serializer=serializer)
            # Another format may encode an empty session in any way.
            self.unreadable = foreign or not self.uses_django_format
        return data

    def decode_row(self, session_data: str) -> StoredSession | None:
        """The session of a row; None if it is empty, or signed by a retired key."""
        data = self.decode(session_data)
        return StoredSession(data, signed=self.signed) if data or self.unreadable else None


@lru_cache(maxsize=4)
def _reader(engine: type) -> Any:
    """The engine as a :class:`_Reader`, under its own name, which salts its signatures."""
    own = {
        "__qualname__": engine.__qualname__,
        "uses_django_format": getattr(engine, "decode", None) is SessionBase.decode,
    }
    return type(engine.__name__, (_Reader, engine), own)


def _is_foreign(text: str, *, salt: str, serializer: Any) -> bool:
    """Whether another process may have signed this with a key that is newer than ours."""
    try:
        signing.loads(text, salt=salt, serializer=serializer)
    except Exception:  # a serializer may raise any
        return _signed_at(text) > STARTED - MARGIN
    return False


def _signed_at(text: str) -> float:
    """The epoch seconds at which a text was signed, by its own account; 0 if it has none."""
    parts = text.rsplit(":", 2)
    try:
        return float(signing.b62_decode(parts[1])) if len(parts) == 3 and parts[1] else 0.0
    except ValueError:
        return 0.0


# ---------------------------------------------------------------- proof of an answering store


class _Proof:
    """Proof that an engine's store answers, so that an empty session means a missing one. Shared
    by all threads: those that wait for a probe use its result if it began after their read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[Any, float] = (None, 0.0)  # the engine, and when the probe began

    def require(self, engine: Any, *, since: float) -> None:
        """Prove that the engine's store has answered ``since`` then. Raises StoreUnavailable."""
        with self._lock:
            proved, at = self._last
            if proved is engine and at >= since:
                return
            began = time.monotonic()
            _write_and_read_back(engine)
            self._last = engine, began


_proof = _Proof()


def _write_and_read_back(engine: Any) -> None:
    """Write a session of our own, read it and delete it."""
    key, value = get_random_string(32, VALID_KEY_CHARS), get_random_string(16)
    store = engine(key)
    store.clear()  # or else it would load the session first
    store[PROBE] = value
    store.set_expiry(PROBE_AGE)
    store.save(must_create=True)  # or else it would try 10,000 times while a cache is away
    key = store.session_key  # an engine without a store puts the session into its key
    if engine(key).load().get(PROBE) != value:
        raise StoreUnavailable("a session that was written cannot be read back")
    store.delete(key)
