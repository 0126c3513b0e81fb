"""Who connects: login by Django session, and whether that login still stands.

Channels' own middleware compares only the current secret, flushes the session when
a rotated key does not match, and never looks again (channels 4.3, ``auth.py``), so
this reads sessions itself, changes none, and knows how to check again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import parse_cookie
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .protocol.codes import CloseCode
from .store.database.transaction import speaking

# As much as the registry's columns hold; a user model's own may be longer.
MAX_USERNAME = 255


@dataclass(frozen=True, slots=True)
class Login:
    """A Django session and its user. ``key`` is the session key and never leaves the
    process; ``digest`` stands for it elsewhere. ``auth_hash`` changes with the password."""

    key: str
    user: str = ""
    username: str = ""
    auth_hash: str = ""

    @property
    def digest(self) -> str:
        """The key's digest: what the store may know of it; "" without a session."""
        return digest_of(self.key)


ANONYMOUS = Login(key="")


def digest_of(session_key: str) -> str:
    """What stands for a session key outside this module."""
    return hashlib.sha256(session_key.encode()).hexdigest() if session_key else ""


def session_key(headers: Mapping[bytes, bytes]) -> str:
    """The session key in a handshake's cookies, "" if there is none."""
    # Django's own parser: Python's gives up at a neighbour's cookie that it does not like.
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin1"))
    return cookies.get(settings.SESSION_COOKIE_NAME, "")


def login_of(key: str) -> Login:
    """The login behind one session key; see :func:`logins_of`."""
    if not key or "\0" in key:  # PostgreSQL takes no NUL, not even to compare
        return ANONYMOUS
    return logins_of([key]).get(key, ANONYMOUS)


def logins_of(keys: Sequence[str]) -> dict[str, Login]:
    """The logins behind session keys that exist and have not expired.

    One without a valid user (none, inactive, password changed) has ``user`` "".
    Blocking: two queries in all with Django's default backends. Changes nothing.
    Raises StoreUnavailable if the database does not answer.
    """
    with speaking():
        sessions = _load(keys)
        users = _users({pair for data in sessions.values() if (pair := _claimed(data))})
        return {key: _login(key, data, users) for key, data in sessions.items()}


_Data = dict[str, Any]
_Pair = tuple[str, str]  # authentication backend, user's primary key as the session has it


def _load(keys: Sequence[str]) -> dict[str, _Data]:
    engine: Any = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(engine, "get_model_class"):  # cache, file, cookies: one at a time
        reader = _reader(engine)
        return {key: data for key in keys if (data := reader(key).load())}
    decoder = engine()
    rows = engine.get_model_class().objects.filter(
        session_key__in=list(keys), expire_date__gt=timezone.now()
    )
    decoded = ((row.session_key, decoder.decode(row.session_data)) for row in rows)
    return {key: data for key, data in decoded if data}


@lru_cache(maxsize=4)
def _reader(engine: type) -> Any:
    """The engine without a pen: the one on files would replace an expired session.

    It keeps the name, which salts the signature of what the engine writes.
    """
    own = {"create": _nothing, "delete": _nothing, "__qualname__": engine.__qualname__}
    return type(engine.__name__, (engine,), own)


def _nothing(*_: object) -> None:
    """What a reader writes."""


def _claimed(data: _Data) -> _Pair | None:
    path, pk = data.get(auth.BACKEND_SESSION_KEY), data.get(auth.SESSION_KEY)
    if pk is None or path is None or path not in settings.AUTHENTICATION_BACKENDS:
        return None
    return path, pk


def _users(pairs: set[_Pair]) -> dict[_Pair, AbstractBaseUser]:
    found: dict[_Pair, AbstractBaseUser] = {}
    for path in {path for path, _ in pairs}:
        backend: Any = auth.load_backend(path)
        ids = [pk for each, pk in pairs if each == path]
        users = _fetch(backend, ids)
        found |= {(path, pk): user for pk, user in users.items() if user.is_active}
    return found


def _fetch(backend: Any, ids: Sequence[str]) -> dict[str, AbstractBaseUser]:
    model = auth.get_user_model()
    keys = {pk: key for pk in ids if (key := _primary_key(model, pk)) is not None}
    if type(backend).get_user is not ModelBackend.get_user:
        asked = ((pk, backend.get_user(key)) for pk, key in keys.items())
        return {pk: user for pk, user in asked if user is not None}
    users = model._default_manager.in_bulk(list(keys.values()))
    able = {pk: users[key] for pk, key in keys.items() if key in users}
    return {pk: user for pk, user in able.items() if backend.user_can_authenticate(user)}


def _primary_key(model: type[AbstractBaseUser], pk: str) -> Any:
    """None for one that a former user model has left in a session."""
    try:
        return model._meta.pk.to_python(pk)
    except ValidationError:
        return None


def _login(key: str, data: _Data, users: Mapping[_Pair, AbstractBaseUser]) -> Login:
    pair = _claimed(data)
    user = users.get(pair) if pair else None
    known = data.get(auth.HASH_SESSION_KEY, "")
    if user is None or not _is_current(known, user):
        return Login(key)
    return Login(key, str(user.pk), str(user.get_username())[:MAX_USERNAME], known)


def _is_current(known: str, user: AbstractBaseUser) -> bool:
    """Whether the hash was made with today's password, under any secret key in force."""
    if constant_time_compare(known, user.get_session_auth_hash()):
        return True
    return any(constant_time_compare(known, h) for h in user.get_session_auth_fallback_hash())


def verdicts(logins: Sequence[Login]) -> dict[Login, CloseCode]:
    """The close code for each of these logins that no longer stands. Blocking.

    Raises StoreUnavailable if the database does not answer.
    """
    now = logins_of([login.key for login in logins])
    judged = ((login, _verdict(login, now.get(login.key))) for login in logins)
    return {login: code for login, code in judged if code is not None}


def _verdict(login: Login, now: Login | None) -> CloseCode | None:
    """None while the login stands; else how its sockets end.

    A session that is gone while the password has changed is most likely the user's
    own doing: Django moves them to a new session key, and the socket comes back
    with the new cookie. Whoever has none is turned away at the door. Somebody
    anonymous has nothing to lose but is called back to become somebody.
    """
    user = now.user if now else ""
    if user == login.user:
        return None
    if not login.user or (now is None and (_may_hide() or _password_changed(login))):
        return CloseCode.CREDENTIALS_CHANGED
    return CloseCode.LOGGED_OUT


def _may_hide() -> bool:
    """Whether the engine shows a session it cannot reach as one that is not there.

    A cache that is down does (``SessionStore.load`` of Django 5.2's cache engine), so
    the socket is asked to come back and show its cookie instead of being sent away.
    """
    return settings.SESSION_ENGINE.endswith(".cache")


def _password_changed(login: Login) -> bool:
    user: Any = auth.get_user_model()._default_manager.filter(pk=login.user).first()
    return user is not None and user.is_active and not _is_current(login.auth_hash, user)
