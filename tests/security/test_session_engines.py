"""Sessions of Django's engines: existing, missing, undecodable, or unknown for now."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import auth
from django.contrib.auth.models import User
from django.contrib.sessions.backends import cache, db, file
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import OperationalError

from realtime.protocol.codes import CloseCode
from realtime.security import session_engines
from realtime.security.authentication import ANONYMOUS, Login, ended_logins, login_of, probe
from realtime.store.contract import StoreUnavailable
from tests.redis_server import RedisServer

from .test_authentication import ENGINES, end_code, key_of, log_in, logged, new_session

pytestmark = pytest.mark.django_db

OURS = "tests.security.test_session_engines"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ada", password="first")


def use(settings: Any, name: str, folder: Path, cache: dict[str, Any] | None = None) -> None:
    """Store sessions with this engine of Django's, or of ours, on this cache."""
    ours = {"Own": f"{OURS}.own", "Loading": f"{OURS}.loading", "Sealed": f"{OURS}.sealed"}
    settings.SESSION_ENGINE = ours.get(name, f"django.contrib.sessions.backends.{name}")
    settings.SESSION_FILE_PATH = str(folder)
    stores: list[Any] = [file.SessionStore, session_engines._reader(file.SessionStore)]
    for store in stores:
        store._storage_path = str(folder)  # each class remembers the first that it has seen
    settings.CACHES = {"default": cache or {"BACKEND": f"{OURS}.Moody", "LOCATION": str(folder)}}


class Moody(LocMemCache):
    """A cache whose ``mood`` makes it fail: silently, or with an exception."""

    mood = "well"

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        self._sigh()
        return default if self.mood == "silent" else super().get(key, default, version)

    def set(self, key: Any, value: Any, *args: Any, **options: Any) -> None:
        self._sigh()
        if self.mood != "silent":
            super().set(key, value, *args, **options)

    def add(self, key: Any, value: Any, *args: Any, **options: Any) -> bool:
        self._sigh()
        return self.mood != "silent" and super().add(key, value, *args, **options)

    def has_key(self, key: Any, version: Any = None) -> bool:
        self._sigh()
        return self.mood != "silent" and super().has_key(key, version)

    def _sigh(self) -> None:
        if self.mood == "loud":
            raise ConnectionRefusedError("the cache is away")


@pytest.fixture(autouse=True)
def well() -> Iterator[None]:
    yield
    Moody.mood = "well"


class Engine:
    """Replaces a module of the project's own."""

    def __init__(self, store: type) -> None:
        self.SessionStore = store


class OwnStore(cache.SessionStore):
    """A project's own engine: names its keys differently, and loads as Django's does."""

    cache_key_prefix = "own."


class LoadingStore(cache.SessionStore):
    """A project's own engine that loads by itself and swallows errors."""

    def load(self) -> dict[str, Any]:
        return dict(super().load())


class SealedStore(db.SessionStore):
    """A project's own engine with its own format of sessions."""

    def encode(self, session_dict: Any) -> str:
        return "sealed:" + super().encode(session_dict)

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        kept = str(session_data).removeprefix("sealed:")
        return dict(super().decode(kept)) if kept != session_data else {}


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name, store in {"own": OwnStore, "loading": LoadingStore, "sealed": SealedStore}.items():
        monkeypatch.setitem(sys.modules, f"{OURS}.{name}", Engine(store))


def memory() -> Any:
    """The cache, with its private parts."""
    return caches["default"]


CACHED = ["cache", "Own", "Loading"]


# ---------------------------------------------------------------- what cannot be known


@pytest.mark.parametrize("mood", ["silent", "loud"])
@pytest.mark.parametrize("engine", CACHED)
def test_a_cache_outage_neither_finds_nor_denies_a_login(
    engine: str, mood: str, settings: Any, tmp_path: Path, user: User
) -> None:
    use(settings, engine, tmp_path)
    login = logged(log_in(user))
    Moody.mood = mood
    for key in (login.key, "a" * 32):
        with pytest.raises(StoreUnavailable):
            login_of(key)
    with pytest.raises(StoreUnavailable):
        ended_logins([login])
    with pytest.raises(StoreUnavailable):
        probe()
    Moody.mood = "well"
    probe()
    assert login_of(login.key) == login
    assert end_code(login) is None
    assert login_of("a" * 32) == ANONYMOUS


@pytest.mark.parametrize("engine", CACHED)
def test_a_cache_outage_during_one_read_denies_no_login(
    engine: str, settings: Any, tmp_path: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache is away during the read, and back at the probe."""
    use(settings, engine, tmp_path)
    login = logged(log_in(user))
    Moody.mood = "silent"
    write = session_engines._write_and_read_back

    def back(engine: Any) -> None:
        Moody.mood = "well"
        write(engine)

    monkeypatch.setattr(session_engines, "_write_and_read_back", back)
    assert login_of(login.key) == login


def test_a_database_behind_a_cache_that_is_away_is_enough(
    settings: Any, tmp_path: Path, user: User
) -> None:
    use(settings, "cached_db", tmp_path)
    login = logged(log_in(user))
    Moody.mood = "loud"
    assert login_of(login.key) == login
    assert login_of("a" * 32) == ANONYMOUS
    probe()


@pytest.mark.parametrize("engine", ["cache", "Own", "Loading"])
def test_a_session_that_a_cache_has_lost_is_called_back_once_it_answers(
    engine: str, settings: Any, tmp_path: Path, user: User
) -> None:
    use(settings, engine, tmp_path)
    login = logged(log_in(user))
    caches["default"].clear()
    assert end_code(login) is CloseCode.CREDENTIALS_CHANGED
    assert login_of(login.key) == ANONYMOUS


def test_a_missing_folder_denies_no_login(settings: Any, tmp_path: Path, user: User) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    use(settings, "file", folder)
    login = logged(log_in(user))
    folder.rename(tmp_path / "away")
    for call in (lambda: login_of(login.key), lambda: ended_logins([login]), probe):
        with pytest.raises(StoreUnavailable):
            call()
    (tmp_path / "away").rename(folder)
    probe()
    assert login_of(login.key) == login


@pytest.mark.parametrize("key", ["", "a", "../../etc/passwd", "é" * 32, "x" * 5000, "a b" * 9])
@pytest.mark.parametrize("engine", CACHED)
def test_a_malformed_key_is_no_outage(engine: str, key: str, settings: Any, tmp_path: Path) -> None:
    use(settings, engine, tmp_path)
    assert login_of(key) == ANONYMOUS


@pytest.mark.parametrize("engine", ENGINES)
def test_a_probe_leaves_nothing_behind(engine: str, settings: Any, tmp_path: Path) -> None:
    use(settings, engine, tmp_path)
    probe()
    assert not Session.objects.exists()
    assert list(tmp_path.iterdir()) == []
    assert memory()._cache == {}


def test_users_that_cannot_be_read_fail_the_probe(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(settings, "signed_cookies", tmp_path)

    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("gone")

    probe()
    monkeypatch.setattr(User.objects, "values_list", fail)
    with pytest.raises(StoreUnavailable, match="gone"):
        probe()


def test_a_backend_that_fails_is_an_outage(
    settings: Any, tmp_path: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that looks users up in a directory."""
    use(settings, "db", tmp_path)
    path = f"{Directory.__module__}.{Directory.__qualname__}"
    settings.AUTHENTICATION_BACKENDS = [path]
    key = key_of(log_in(user, path))
    with pytest.raises(StoreUnavailable, match="ConnectionError: no directory"):
        login_of(key)


class Directory(auth.backends.ModelBackend):
    def get_user(self, user_id: int) -> Any:
        raise ConnectionError("no directory")


def test_readers_that_wait_together_share_one_probe(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(settings, "cache", tmp_path)
    probes: list[float] = []
    monkeypatch.setattr(
        session_engines, "_write_and_read_back", lambda _: probes.append(time.monotonic())
    )
    proof, before = session_engines._Proof(), time.monotonic()
    proof.require(OwnStore, since=before)
    proof.require(OwnStore, since=before)
    assert len(probes) == 1
    proof.require(OwnStore, since=time.monotonic())
    assert len(probes) == 2
    proof.require(LoadingStore, since=before)  # another engine's proof is none
    assert len(probes) == 3


@pytest.mark.parametrize("engine", ["cache", "Loading"])
def test_a_real_redis_that_is_away_and_comes_back(
    engine: str, settings: Any, tmp_path: Path, user: User
) -> None:
    with RedisServer(snapshots=True) as server:
        backend = "django.core.cache.backends.redis.RedisCache"
        use(settings, engine, tmp_path, {"BACKEND": backend, "LOCATION": server.url})
        try:
            login = logged(log_in(user))
            assert login.user
            server.stop()
            for call in (lambda: login_of(login.key), lambda: ended_logins([login]), probe):
                with pytest.raises(StoreUnavailable):
                    call()
            server.start()
            probe()
            assert login_of(login.key) == login
            with server.client() as client:
                client.config_set("maxmemory", "1")  # full: it may still be read
                assert login_of(login.key) == login
                with pytest.raises(StoreUnavailable, match="OutOfMemoryError"):
                    probe()
                with pytest.raises(StoreUnavailable):
                    login_of("a" * 32)
        finally:
            for pool in memory()._cache._pools.values():
                pool.disconnect()


class Lagging:
    """Reads sessions from a replica."""

    db_for_read = staticmethod(lambda model: "replica")
    db_for_write = staticmethod(lambda model: "default")


def test_a_session_that_a_replica_lacks_is_read_from_the_primary(
    settings: Any, tmp_path: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(settings, "db", tmp_path)
    key = key_of(log_in(user))
    aliases: list[str | None] = []
    using = type(Session.objects.all()).using

    def lagging(self: Any, alias: str) -> Any:
        aliases.append(alias)
        return using(self, "default").none() if alias == "replica" else using(self, alias)

    monkeypatch.setattr(type(Session.objects.all()), "using", lagging)
    monkeypatch.setattr(session_engines, "router", Lagging)
    assert login_of(key).user == str(user.pk)
    assert aliases == ["replica", "default"]


# ---------------------------------------------------------------- keys that are rotated


@pytest.mark.parametrize("engine", [*ENGINES, "Own", "Sealed"])
def test_a_session_that_a_newer_key_has_signed_is_not_anonymous(
    engine: str, settings: Any, tmp_path: Path, user: User
) -> None:
    """This worker has the old key only, as in a rolling restart."""
    use(settings, engine, tmp_path)
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [old]
    key = key_of(log_in(user))
    assert login_of(key).user == str(user.pk)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = old, []
    login = login_of(key)
    assert (login.user, login.unverified) == ("", True)


@pytest.mark.parametrize("engine", [*ENGINES, "Own"])
def test_the_second_step_of_a_rotation_changes_no_login(
    engine: str, settings: Any, tmp_path: Path, user: User
) -> None:
    """Old workers know the new key as a fallback already, new ones the old key."""
    use(settings, engine, tmp_path)
    old, new = settings.SECRET_KEY, "a new one"
    for signing_key, other in ((old, new), (new, old)):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = signing_key, [other]
        login = logged(log_in(user))
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = other, [signing_key]
        assert login_of(login.key).user == str(user.pk)
        assert end_code(login) is None


@pytest.mark.parametrize("engine", ["db", "cached_db", "file", "signed_cookies"])
def test_a_session_that_a_retired_key_has_signed_is_anonymous(
    engine: str, settings: Any, tmp_path: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(settings, engine, tmp_path)
    key = key_of(log_in(user))
    settings.SECRET_KEY = "a new one"
    monkeypatch.setattr(session_engines, "STARTED", time.time() + 2 * session_engines.MARGIN)
    login = login_of(key)
    assert (login.user, login.unverified) == ("", False)


@pytest.mark.parametrize("engine", ["db", "cached_db", "file"])
def test_a_broken_session_is_anonymous(engine: str, settings: Any, tmp_path: Path) -> None:
    use(settings, engine, tmp_path)
    session = new_session()
    session["basket"] = 1
    session.save()
    Session.objects.update(session_data="garbage:!:x")
    caches["default"].clear()
    for path in tmp_path.iterdir():
        path.write_text("garbage")
    assert login_of(str(session.session_key)) == ANONYMOUS


@pytest.mark.parametrize("key", ["a:b:c", "a:1hgEMR:c", "::", "a" * 100])
def test_a_forged_cookie_is_anonymous_or_unverified(
    key: str, settings: Any, tmp_path: Path
) -> None:
    use(settings, "signed_cookies", tmp_path)
    assert login_of(key).user == ""


def test_an_expired_cookie_is_anonymous(settings: Any, tmp_path: Path, user: User) -> None:
    use(settings, "signed_cookies", tmp_path)
    key = key_of(log_in(user))
    settings.SESSION_COOKIE_AGE = -1
    assert login_of(key) == ANONYMOUS
    assert not login_of(key).unverified


@pytest.mark.parametrize("engine", ["db", "cached_db", "file"])
def test_a_socket_stays_while_another_key_signs_its_session(
    engine: str, settings: Any, tmp_path: Path, user: User
) -> None:
    """A worker with the new key has put something into the session."""
    use(settings, engine, tmp_path)
    request = log_in(user)
    login, old = logged(request), settings.SECRET_KEY
    settings.SECRET_KEY = "a new one"
    request.session["basket"] = 1
    request.session.save()
    settings.SECRET_KEY = old
    assert end_code(login) is None
    user.set_password("third")
    user.save()
    assert end_code(login) is CloseCode.CREDENTIALS_CHANGED
    User.objects.update(is_active=False)
    assert end_code(login) is CloseCode.LOGGED_OUT


@pytest.mark.parametrize("engine", ["cache", "Own"])
def test_a_login_whose_hash_another_key_has_made_is_called_back(
    engine: str, settings: Any, tmp_path: Path, user: User
) -> None:
    use(settings, engine, tmp_path)
    request = log_in(user)
    login, old = logged(request), settings.SECRET_KEY
    settings.SECRET_KEY = "a new one"
    request.session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    request.session.save()
    settings.SECRET_KEY = old
    assert end_code(login) is CloseCode.CREDENTIALS_CHANGED


def test_an_empty_session_is_readable(settings: Any, tmp_path: Path) -> None:
    use(settings, "db", tmp_path)
    session = new_session()
    session.create()
    assert login_of(str(session.session_key)) == ANONYMOUS


def test_a_user_model_s_own_fallback_hashes_count(
    settings: Any, tmp_path: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(settings, "db", tmp_path)
    key = key_of(log_in(user))
    before = user.get_session_auth_hash()
    monkeypatch.setattr(User, "get_session_auth_hash", lambda _: "another way")
    assert login_of(key) == Login(key)
    monkeypatch.setattr(User, "get_session_auth_fallback_hash", lambda _: iter([before]))
    assert login_of(key).user == str(user.pk)


def test_the_time_of_a_signature_is_read_from_its_text() -> None:
    assert session_engines._signed_at(signing.dumps({})) == pytest.approx(time.time(), abs=2)
    assert [session_engines._signed_at(text) for text in ("", "a", "a:b", "a::c", "a:é:c")] == [
        0.0
    ] * 5
