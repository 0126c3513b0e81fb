"""Sessions as Django's session engines keep them: read, and never changed.

An engine answers with nothing for a session that does not exist, for one that it cannot decode,
and, if a cache is behind it, while its store is away. Here the three are told apart:

1. A session that is there is a :class:`StoredSession`, also if its content cannot be read.
2. A session that is missing does not exist. Where an empty answer may be the silence of a store
   that is away, it counts only after a session of our own was written and read back since.
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

# What cannot be read was signed by a key that is newer than this process, or by one that is out of
# use. It is the latter if it was signed this long before the process began: so much may the
# clocks of two machines differ, and the two steps of a rotation lie apart.
STARTED, MARGIN = time.time(), 3600.0

LONGEST_KEY = 128  # of a session key in a cache, where 250 bytes are too long for memcached

PROBE, PROBE_AGE = "_realtime_probe", 60  # seconds until what a probe has left behind expires


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session that is there. ``data`` is empty if this process cannot read it. ``signed``: it was
    written by a process that has one of our keys."""

    data: dict[str, Any]
    signed: bool


@contextmanager
def answering() -> Iterator[None]:
    """Raises StoreUnavailable for whatever an engine, a cache or a backend raises."""
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
    with answering():
        found = _read(engine, keys)
        missing = [key for key in keys if key not in found]
        if missing and _may_hide(engine):
            _silence.rule_out(engine, since=time.monotonic())
            found |= _read(engine, missing)
    return found


def probe() -> None:
    """Use the store of the sessions once as logins need it. Blocking.

    Raises StoreUnavailable with the store's words if that fails.
    """
    engine = _engine()
    with answering():
        if _may_hide(engine):
            _write_and_read_back(engine)
        else:
            _read(engine, [get_random_string(32, VALID_KEY_CHARS)])


def _engine() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def in_cookies() -> bool:
    """Whether sessions are in the browsers' cookies, and nowhere else."""
    return issubclass(_engine(), signed_cookies.SessionStore)


def _has_rows(engine: Any) -> bool:
    """Whether it reads sessions as Django's engine on a database does; the cache in front of a
    database has nothing that the database has not."""
    loads = getattr(engine, "load", None)
    if loads not in (db.SessionStore.load, cached_db.SessionStore.load):
        return False
    look_up: Any = db.SessionStore
    return bool(engine._get_session_from_db is look_up._get_session_from_db)


def _may_hide(engine: Any) -> bool:
    """Whether it may show a store that is away as a session that does not exist."""
    return not _has_rows(engine) and not issubclass(engine, signed_cookies.SessionStore)


# ---------------------------------------------------------------- reading


def _read(engine: Any, keys: Sequence[str]) -> dict[str, StoredSession]:
    if _has_rows(engine):
        return _read_rows(engine, keys)
    if engine.load is cache.SessionStore.load:
        return _read_cache(engine, keys)
    read = ((key, _read_one(engine, key)) for key in keys)
    return {key: kept for key, kept in read if kept is not None}


def _read_rows(engine: Any, keys: Sequence[str]) -> dict[str, StoredSession]:
    model = engine.get_model_class()
    valid = model.objects.filter(session_key__in=list(keys), expire_date__gt=timezone.now())
    rows: dict[str, str] = {}
    # A replica may not have heard of the newest sessions.
    for alias in {router.db_for_read(model): None, router.db_for_write(model): None}:
        if len(rows) < len(keys):
            found = valid.using(alias).values_list("session_key", "session_data")
            rows = dict(found) | rows
    decoded = ((key, _reader(engine)(key).kept(text)) for key, text in rows.items())
    return {key: kept for key, kept in decoded if kept is not None}


def _read_cache(engine: Any, keys: Sequence[str]) -> dict[str, StoredSession]:
    """All at once; and the engine would swallow what the cache raises."""
    store = engine()
    names = {store.cache_key_prefix + key: key for key in keys if _may_be_cached(key)}
    found = store._cache.get_many(list(names))
    return {names[name]: StoredSession(data, signed=False) for name, data in found.items() if data}


def _may_be_cached(key: str) -> bool:
    """Whether a cache takes the key: memcached refuses others, and that is no outage."""
    return 8 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable() and " " not in key


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
    """What is put before an engine: it writes nothing, and knows what it could not decode.

    The engine on files would replace a session that has expired.
    """

    signed = unreadable = False
    in_django_s_format: bool

    def create(self) -> None:
        """Write nothing."""

    def delete(self, session_key: str | None = None) -> None:
        """Write nothing."""

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """What the engine makes of it, {} for what it cannot decode."""
        data: dict[str, Any] = super().decode(session_data)
        self.signed = bool(data) and self.in_django_s_format
        if not data:
            salt, serializer = self.key_salt, self.serializer
            foreign = _is_foreign(str(session_data), salt=salt, serializer=serializer)
            # How an empty session looks in another format is not known.
            self.unreadable = foreign or not self.in_django_s_format
        return data

    def kept(self, session_data: str) -> StoredSession | None:
        """What is in a row; None if it is empty, or worthless."""
        data = self.decode(session_data)
        return StoredSession(data, signed=self.signed) if data or self.unreadable else None


@lru_cache(maxsize=4)
def _reader(engine: type) -> Any:
    """The engine as a :class:`_Reader`. It keeps its name, which salts what the engine signs."""
    own = {
        "__qualname__": engine.__qualname__,
        "in_django_s_format": getattr(engine, "decode", None) is SessionBase.decode,
    }
    return type(engine.__name__, (_Reader, engine), own)


def _is_foreign(text: str, *, salt: str, serializer: Any) -> bool:
    """Whether this was signed by a process that knows more than ours, such as a newer key."""
    try:
        signing.loads(text, salt=salt, serializer=serializer)
    except Exception:  # whatever a serializer raises
        return _signed_at(text) > STARTED - MARGIN
    return False


def _signed_at(text: str) -> float:
    """When a text says that it was signed, in seconds since the epoch; 0 if it does not."""
    parts = text.rsplit(":", 2)
    try:
        return float(signing.b62_decode(parts[1])) if len(parts) == 3 and parts[1] else 0.0
    except ValueError:
        return 0.0


# ---------------------------------------------------------------- silence


class _Silence:
    """Whether an empty answer may be believed. Shared by all threads: those that wait for a probe
    take the result of one that began after their question."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._proved: tuple[Any, float] = (None, 0.0)  # of which engine, and when that began

    def rule_out(self, engine: Any, *, since: float) -> None:
        """Prove that the engine's store answers now. Raises StoreUnavailable if it does not."""
        with self._lock:
            proved, at = self._proved
            if proved is engine and at >= since:
                return
            began = time.monotonic()
            _write_and_read_back(engine)
            self._proved = engine, began


_silence = _Silence()


def _write_and_read_back(engine: Any) -> None:
    """Write a session of our own, read it and delete it."""
    key, word = get_random_string(32, VALID_KEY_CHARS), get_random_string(16)
    store = engine(key)
    store.clear()  # else it would look for what is there first
    store[PROBE] = word
    store.set_expiry(PROBE_AGE)
    store.save(must_create=True)  # without it a silent cache would be asked 10,000 times
    key = store.session_key  # one without a store puts the session into its key
    if engine(key).load().get(PROBE) != word:
        raise StoreUnavailable("a session that was written cannot be read back")
    store.delete(key)
