"""Logins by Django session, and whether they still stand."""

import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib import auth
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection, models
from django.db.utils import OperationalError
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext, isolate_apps

from realtime.protocol.codes import CloseCode
from realtime.security.authentication import (
    ANONYMOUS,
    Login,
    digest_of,
    ended_logins,
    ended_users,
    login_of,
    logins_of,
    session_key,
)
from realtime.store.contract import StoreUnavailable

pytestmark = pytest.mark.django_db

ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(params=ENGINES)
def engine(request: Any, settings: Any, tmp_path: Path) -> Iterator[str]:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    yield request.param
    cache.clear()


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ada", password="first")


def new_session(key: str | None = None) -> Any:
    from django.conf import settings

    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def log_in(user: Any, backend: str = MODEL_BACKEND) -> HttpRequest:
    """Log in as Django does; the request then has the session."""
    request = HttpRequest()
    request.session = new_session()
    auth.login(request, user, backend=backend)
    request.session.save()
    return request


def key_of(request: HttpRequest) -> str:
    return str(request.session.session_key)


def expire(request: HttpRequest) -> str:
    request.session.set_expiry(-1)
    request.session.save()
    return key_of(request)


# ---------------------------------------------------------------- who it is


def test_a_login_is_known_by_its_session(engine: str, user: User) -> None:
    key = key_of(log_in(user))
    login = login_of(key)
    assert (login.key, login.user, login.username) == (key, str(user.pk), "ada")
    assert login.auth_hash == user.get_session_auth_hash()


def test_an_unknown_key_is_anonymous(engine: str) -> None:
    assert login_of("a" * 32) == ANONYMOUS


@pytest.mark.parametrize("key", ["", "a", "../../etc/passwd", "\x00" * 32, "é" * 32, "x" * 5000])
def test_a_malformed_key_is_anonymous(engine: str, key: str) -> None:
    assert login_of(key) == ANONYMOUS


def test_an_expired_session_is_anonymous(engine: str, user: User, settings: Any) -> None:
    key = expire(log_in(user))
    if engine == "signed_cookies":  # the only one to judge by the age of the cookie
        settings.SESSION_COOKIE_AGE = -1
    assert login_of(key) == ANONYMOUS


def test_an_expired_session_on_file_is_left_to_django(
    settings: Any, tmp_path: Path, user: User
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.file"
    settings.SESSION_FILE_PATH = str(tmp_path)
    key = expire(log_in(user))
    before = sorted(tmp_path.iterdir())
    assert login_of(key) == ANONYMOUS
    assert sorted(tmp_path.iterdir()) == before


def test_a_session_without_a_login_has_no_user(engine: str) -> None:
    session = new_session()
    session["basket"] = ["a book"]
    session.save()
    assert login_of(str(session.session_key)) == Login(str(session.session_key))


def test_another_user_s_hash_does_not_pass(engine: str, user: User) -> None:
    request = log_in(user)
    eve = User.objects.create_user("eve", password="second")
    request.session[auth.SESSION_KEY] = str(eve.pk)
    request.session.save()
    assert login_of(key_of(request)).user == ""


def test_without_a_hash_it_does_not_pass(user: User) -> None:
    request = log_in(user)
    del request.session[auth.HASH_SESSION_KEY]
    request.session.save()
    assert login_of(key_of(request)).user == ""


def test_after_a_new_password_the_old_login_does_not_pass(engine: str, user: User) -> None:
    key = key_of(log_in(user))
    user.set_password("third")
    user.save()
    assert login_of(key) == Login(key)


def test_a_rotated_secret_key_is_in_force_as_a_fallback(user: User, settings: Any) -> None:
    key = key_of(log_in(user))
    old, settings.SECRET_KEY = settings.SECRET_KEY, "a new one"
    assert login_of(key) in (ANONYMOUS, Login(key))
    settings.SECRET_KEY_FALLBACKS = [old]
    assert login_of(key).user == str(user.pk)


def test_an_inactive_user_does_not_pass(engine: str, user: User) -> None:
    key = key_of(log_in(user))
    User.objects.update(is_active=False)
    assert login_of(key).user == ""


def test_a_deleted_user_does_not_pass(engine: str, user: User) -> None:
    key = key_of(log_in(user))
    user.delete()
    assert login_of(key).user == ""


def test_a_backend_that_is_no_longer_configured_does_not_pass(user: User, settings: Any) -> None:
    key = key_of(log_in(user))
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    assert login_of(key).user == ""


def test_a_key_of_a_former_user_model_does_not_fail_the_others(user: User) -> None:
    odd, good = log_in(user), log_in(user)
    odd.session[auth.SESSION_KEY] = str(uuid.uuid4())
    odd.session.save()
    logins = logins_of([key_of(odd), key_of(good)])
    assert logins[key_of(odd)].user == ""
    assert logins[key_of(good)].user == str(user.pk)


class Picky(BaseBackend):
    """Has users of its own, and looks them up one by one."""

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id, username="ada").first()


class Closed(ModelBackend):
    """Permits no user any more."""

    def user_can_authenticate(self, user: Any) -> bool:
        return False


@pytest.mark.parametrize(
    ("backend", "names"), [(Picky, {"ada"}), (Closed, set()), (ModelBackend, {"ada", "eve"})]
)
def test_a_custom_backend_looks_up_the_user(
    backend: type, names: set[str], user: User, settings: Any
) -> None:
    path = f"{backend.__module__}.{backend.__qualname__}"
    settings.AUTHENTICATION_BACKENDS = [path]
    eve = User.objects.create_user("eve")
    keys = [key_of(log_in(each, path)) for each in (user, eve)]
    assert {login.username for login in logins_of(keys).values()} - {""} == names


@pytest.mark.parametrize(
    ("backend", "code"),
    [(Picky, CloseCode.LOGGED_OUT), (Closed, CloseCode.LOGGED_OUT), (ModelBackend, 4008)],
)
def test_the_backend_of_the_login_decides_whether_its_user_exists(
    backend: type, code: int, user: User, settings: Any
) -> None:
    """The session has moved, and meanwhile the backend no longer has the user."""
    path = f"{backend.__module__}.{backend.__qualname__}"
    settings.AUTHENTICATION_BACKENDS = [MODEL_BACKEND, path]
    request = log_in(user, path)
    login = Login(key_of(request), str(user.pk), "ada", user.get_session_auth_hash(), backend=path)
    User.objects.update(username="bob")  # Picky has no such user
    request.session.cycle_key()
    assert end_code(login) == code


def test_an_inactive_user_does_not_pass_by_any_backend(user: User, settings: Any) -> None:
    path = f"{Picky.__module__}.{Picky.__qualname__}"
    settings.AUTHENTICATION_BACKENDS = [path]
    key = key_of(log_in(user, path))
    User.objects.update(is_active=False)
    assert login_of(key).user == ""


@isolate_apps("realtime")
def test_a_user_may_be_keyed_by_a_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    class Person(AbstractBaseUser):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        email = models.CharField(max_length=400, null=True)
        objects: Any = BaseUserManager()
        USERNAME_FIELD = "email"

        class Meta:
            app_label = "realtime"

    columns = ", ".join(f"{f.column} {f.db_type(connection)}" for f in Person._meta.local_fields)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {Person._meta.db_table} ({columns})")
    monkeypatch.setattr(auth, "get_user_model", lambda: Person)
    person = Person.objects.create(email="ada@example.com", password="x")
    login = login_of(key_of(log_in(person)))
    assert (login.user, login.username) == (str(person.id), "ada@example.com")
    person = Person.objects.create(email="x" * 400, password="x")
    assert login_of(key_of(log_in(person))).username == "x" * 255  # what the registry can hold
    person = Person.objects.create(password="x")  # its name is None
    login = login_of(key_of(log_in(person)))
    assert (login.user, login.username) == (str(person.id), "")
    assert Login.of(person) == Login("", str(person.id), is_token=True)


def test_a_login_of_a_user_has_its_key_and_name(user: User) -> None:
    assert Login.of(user) == Login("", str(user.pk), "ada", is_token=True)


def test_an_unsaved_user_has_no_login() -> None:
    with pytest.raises(ValueError, match="expected a saved user"):
        Login.of(User(username="ada"))


@pytest.mark.parametrize(
    "wrong",
    [{"user": 7}, {"user": None}, {"username": None}, {"key": None}, {"user": uuid.UUID(int=7)}],
)
def test_a_login_is_made_of_texts(wrong: dict[str, Any]) -> None:
    """``str(None)`` would be a user."""
    with pytest.raises(TypeError, match="expected a text as"):
        Login(**{"key": "", **wrong})


def test_a_name_that_the_store_cannot_hold_is_cut() -> None:
    assert Login("", "1", "a\0b" + "x" * 300).username == "ab" + "x" * 253


def test_a_database_that_fails_is_a_store_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(Session.objects, "filter", fail)
    with pytest.raises(StoreUnavailable):
        login_of("a" * 32)


# ---------------------------------------------------------------- what it costs


def queries_of(keys: list[str]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        logins_of(keys)
    return [query["sql"] for query in captured.captured_queries]


def test_a_hundred_logins_cost_no_more_queries_than_one() -> None:
    users = [User.objects.create_user(f"user{n}") for n in range(100)]
    keys = [key_of(log_in(each)) for each in users]
    assert len(queries_of(keys)) == len(queries_of(keys[:1])) == 2


def test_nothing_is_written(engine: str, user: User) -> None:
    keys = [key_of(log_in(user)), expire(log_in(user)), "a" * 32]
    user.set_password("third")
    user.save()
    before = list(Session.objects.order_by("pk").values())
    assert all(sql.startswith("SELECT") for sql in queries_of(keys))
    assert list(Session.objects.order_by("pk").values()) == before


def test_an_anonymous_client_costs_no_query() -> None:
    assert login_of("") == ANONYMOUS
    with CaptureQueriesContext(connection) as captured:
        login_of("")
    assert len(captured) == 0


# ---------------------------------------------------------------- cookies and digests


@pytest.mark.parametrize(
    ("cookie", "key"),
    [
        ("sessionid=abc", "abc"),
        ("a=1; sessionid=abc; b=2", "abc"),
        ("a[1]=x; sessionid=abc", "abc"),
        ('json={"a":1,"b":[2]}; sessionid=abc', "abc"),
        ("flag; sessionid=abc", "abc"),
        ('sessionid="abc"', "abc"),
        ("xsessionid=abc", ""),
        ("sessionid=", ""),
        ("", ""),
        ("\xff\xfe", ""),
    ],
)
def test_the_key_is_found_among_other_cookies(cookie: str, key: str) -> None:
    assert session_key({b"cookie": cookie.encode("latin1")}) == key


def test_without_cookies_there_is_no_key() -> None:
    assert session_key({}) == ""


def test_the_cookie_s_name_is_the_project_s(settings: Any) -> None:
    settings.SESSION_COOKIE_NAME = "other"
    assert session_key({b"cookie": b"sessionid=abc; other=def"}) == "def"


def test_a_digest_does_not_reveal_its_key() -> None:
    login = Login("secret")
    assert login.digest == digest_of("secret")
    assert len(login.digest) == 64
    assert "secret" not in login.digest
    assert digest_of("") == ANONYMOUS.digest == ""


# ---------------------------------------------------------------- whether it still stands


def logged(request: HttpRequest) -> Login:
    return login_of(key_of(request))


def end_code(login: Login) -> CloseCode | None:
    return ended_logins([login]).get(login)


def test_a_login_that_stands_is_not_ended(engine: str, user: User) -> None:
    assert end_code(logged(log_in(user))) is None


def delete(request: HttpRequest) -> None:
    request.session.delete(key_of(request))


@pytest.mark.parametrize("end", [delete, expire])
def test_a_session_that_is_gone_without_a_logout_is_called_back(
    engine: str, user: User, end: Any, settings: Any
) -> None:
    if engine == "signed_cookies":  # nothing is gone but by its age
        end, settings.SESSION_COOKIE_AGE = expire, 100
    request = log_in(user)
    login = logged(request)
    end(request)
    if engine == "signed_cookies":
        settings.SESSION_COOKIE_AGE = -1
    assert end_code(login) is CloseCode.CREDENTIALS_CHANGED
    User.objects.update(is_active=False)
    assert end_code(login) is CloseCode.LOGGED_OUT


def test_a_session_with_a_new_key_is_called_back(engine: str, user: User) -> None:
    request = log_in(user)
    login = logged(request)
    request.session.cycle_key()
    request.session.save()
    # A cookie cannot be taken back: the old one stands for itself.
    expected = None if engine == "signed_cookies" else CloseCode.CREDENTIALS_CHANGED
    assert end_code(login) is expected
    assert logged(request).user == login.user


def test_django_moving_a_session_to_a_new_secret_key_is_called_back(
    engine: str, user: User, settings: Any
) -> None:
    request = log_in(user)
    login, old = logged(request), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [old]
    assert end_code(login) is None
    assert auth.get_user(request) == user
    request.session.save()
    expected = None if engine == "signed_cookies" else CloseCode.CREDENTIALS_CHANGED
    assert end_code(login) is expected
    assert logged(request).user == login.user


def test_users_that_change_their_own_password_are_called_back(engine: str, user: User) -> None:
    request = log_in(user)
    login = logged(request)
    user.set_password("third")
    user.save()
    request.user = user
    auth.update_session_auth_hash(request, user)
    request.session.save()
    assert end_code(login) is CloseCode.CREDENTIALS_CHANGED
    assert login_of(key_of(request)).user == str(user.pk)


def test_a_password_changed_by_others_means_logged_out(engine: str, user: User) -> None:
    login = logged(log_in(user))
    user.set_password("third")
    user.save()
    # With cookies alone it may have been the user, and the browser has a newer one.
    in_cookies = engine == "signed_cookies"
    expected = CloseCode.CREDENTIALS_CHANGED if in_cookies else CloseCode.LOGGED_OUT
    assert end_code(login) is expected
    assert login_of(login.key).user == ""


def test_a_deactivated_user_is_logged_out(engine: str, user: User) -> None:
    login = logged(log_in(user))
    User.objects.update(is_active=False)
    assert end_code(login) is CloseCode.LOGGED_OUT


def test_a_deactivated_user_is_not_called_back_for_a_new_password(user: User) -> None:
    login = logged(log_in(user))
    user.set_password("third")
    user.is_active = False
    user.save()
    Session.objects.all().delete()
    assert end_code(login) is CloseCode.LOGGED_OUT


def test_a_deleted_user_is_logged_out(user: User) -> None:
    login = logged(log_in(user))
    user.delete()
    assert end_code(login) is CloseCode.LOGGED_OUT


def test_a_session_that_now_belongs_to_another_user_means_logged_out(user: User) -> None:
    request = log_in(user)
    login = logged(request)
    eve = User.objects.create_user("eve")
    request.session[auth.SESSION_KEY] = str(eve.pk)
    request.session[auth.HASH_SESSION_KEY] = eve.get_session_auth_hash()
    request.session.save()
    assert end_code(login) is CloseCode.LOGGED_OUT


def test_after_a_new_login_the_new_session_stands(user: User) -> None:
    first = log_in(user)
    old = logged(first)
    first.session.flush()
    new = logged(log_in(user))
    assert ended_logins([old, new]) == {old: CloseCode.CREDENTIALS_CHANGED}


class Watchful:
    """Only refuses logins, as django-axes' first backend does."""

    def authenticate(self, request: HttpRequest | None, **_: Any) -> None: ...


BACKENDS = [Watchful, BaseBackend, ModelBackend]


def test_a_token_s_user_is_known_by_any_backend(user: User, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        f"{each.__module__}.{each.__qualname__}" for each in BACKENDS
    ]
    eve = User.objects.create_user("eve", is_active=False)
    logins = [Login.of(user, key="a"), Login.of(eve, key="b"), Login("c", "999", is_token=True)]
    assert ended_users(logins) == logins[1:]


def test_a_login_shows_no_secret(user: User) -> None:
    login = logged(log_in(user))
    assert login.user in repr(login)
    assert login.key not in repr(login)
    assert login.auth_hash not in repr(login)


def test_an_anonymous_login_is_not_ended() -> None:
    request = HttpRequest()
    request.session = new_session()
    request.session["basket"] = 1
    request.session.save()
    login = logged(request)
    assert end_code(login) is None
    request.session.flush()
    assert end_code(login) is None


def test_an_anonymous_session_that_has_a_user_now_is_called_back(user: User) -> None:
    login = logged(log_in(user))
    assert end_code(Login(login.key)) is CloseCode.CREDENTIALS_CHANGED


def test_checks_of_a_hundred_logins_cost_two_queries() -> None:
    users = [User.objects.create_user(f"user{n}") for n in range(100)]
    logins = [logged(log_in(each)) for each in users]
    with CaptureQueriesContext(connection) as captured:
        assert ended_logins(logins) == {}
    assert len(captured) == 2
