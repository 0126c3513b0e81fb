"""Logins by Django session: who a session key belongs to, and whether a login still stands.

Channels' own middleware compares only the current secret, flushes the session when a rotated
key does not match, and never checks again (channels 4.3, ``auth.py``). This module reads
sessions itself, see ``session_engines``, changes none, and can check a login again.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import parse_cookie
from django.utils.crypto import constant_time_compare

from realtime.protocol.codes import CloseCode

from . import session_engines
from .session_engines import StoredSession

MAX_USERNAME = 255  # characters of the store's columns; those of a user model may be longer


@dataclass(frozen=True, slots=True)
class Login:
    """A Django session and its user. ``key`` is the session key, "" for a login without a
    Django session; it never leaves the process. ``user`` is the primary key as text, "" for
    an anonymous client. ``username`` loses NULs and what is beyond 255 characters. ``auth_hash``
    changes with the password. ``backend`` is the path of the authentication backend that has the
    user. ``expires_at`` is in unix seconds, None for a login that does not expire. The ``repr``
    shows no secret. Raises TypeError for a key, user or name that is no text and for a time that is
    no number, ValueError for a time in milliseconds.

    ``is_token``: the login is that of a token, ``key`` the token's id; see :meth:`of`.

    ``unverified``: the session exists, but none of this process's keys has signed it: perhaps a
    newer key has, in a rolling restart.
    """

    key: str = field(repr=False)
    user: str = ""
    username: str = ""
    auth_hash: str = field(default="", repr=False)
    unverified: bool = field(default=False, compare=False)
    backend: str = field(default="", compare=False)
    expires_at: float | None = field(default=None, compare=False)
    is_token: bool = False

    def __post_init__(self) -> None:
        for name in ("key", "user", "username"):
            value: object = getattr(self, name)
            if not isinstance(value, str):
                hint = "Login.of(user) is the login of a user"
                raise TypeError(f"expected a text as {name}, not {value!r}; {hint}")
        object.__setattr__(self, "username", self.username.replace("\0", "")[:MAX_USERNAME])
        _check_time(self.expires_at)

    @classmethod
    def of(
        cls, user: AbstractBaseUser, *, key: str = "", expires_at: float | None = None
    ) -> "Login":
        """The login of a saved user without a Django session, such as one with a token.

        ``key`` is the token's id (its digest, or its ``jti``), by which ``kick_login`` finds the
        sessions; ``expires_at`` is in unix seconds. Raises ValueError for an unsaved or anonymous
        user.
        """
        if user.pk is None:
            raise ValueError("expected a saved user; ANONYMOUS is the login of an anonymous client")
        name = name_of(user)
        return cls(key, str(user.pk), name, expires_at=expires_at, is_token=True)

    @property
    def digest(self) -> str:
        """The digest of the key, which replaces it in the store; "" without a session."""
        return digest_of(self.key)


LATEST_TIME = 1e11  # unix seconds of the year 5138; the milliseconds of 1973


def _check_time(expires_at: object) -> None:
    if expires_at is None:
        return
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        hint = "datetime.timestamp() returns them"
        raise TypeError(f"expected unix seconds as expires_at, not {expires_at!r}; {hint}")
    if not 0 <= expires_at < LATEST_TIME:
        raise ValueError(f"expected unix seconds as expires_at, not {expires_at!r}")


ANONYMOUS = Login(key="")


def name_of(user: AbstractBaseUser) -> str:
    """The user's name, "" if there is none: the column of a user model may be null."""
    name: object = user.get_username()
    return "" if name is None else str(name)


def digest_of(session_key: str) -> str:
    """The digest of a session key, "" for an empty one."""
    return hashlib.sha256(session_key.encode()).hexdigest() if session_key else ""


def session_key(headers: Mapping[bytes, bytes]) -> str:
    """The session key in a handshake's cookies, "" if there is none."""
    # Django's own parser: Python's stops at the first cookie that it cannot parse.
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin1"))
    return cookies.get(settings.SESSION_COOKIE_NAME, "")


def login_of(key: str) -> Login:
    """The login behind one session key; see :func:`logins_of`."""
    if not key or "\0" in key:  # PostgreSQL takes no NUL, not even in comparisons
        return ANONYMOUS
    return logins_of([key]).get(key, ANONYMOUS)


def logins_of(keys: Sequence[str]) -> dict[str, Login]:
    """The logins behind session keys that exist and have not expired.

    A login without a valid user (none, inactive, password changed) has ``user`` "". Blocking:
    two queries in all with Django's default backends. Changes nothing. Raises
    StoreUnavailable if it cannot be known.
    """
    with session_engines.translate_engine_errors():
        sessions = session_engines.load(keys)
        users = _users_of(sessions.values())
        return {key: _login(key, stored, users) for key, stored in sessions.items()}


def probe() -> None:
    """Read sessions and users once, as logins need it. Blocking.

    Raises StoreUnavailable, with the cause.
    """
    with session_engines.translate_engine_errors():
        session_engines.probe()
        list(auth.get_user_model()._default_manager.values_list("pk")[:1])


_Pair = tuple[str, str]  # authentication backend, user's primary key as the session has it


def _pair_of(data: dict[str, Any]) -> _Pair | None:
    """The user that a session claims to belong to."""
    path, pk = data.get(auth.BACKEND_SESSION_KEY), data.get(auth.SESSION_KEY)
    if pk is None or path is None or path not in settings.AUTHENTICATION_BACKENDS:
        return None
    return path, pk


def _users_of(sessions: Iterable[StoredSession]) -> dict[_Pair, AbstractBaseUser]:
    return _users({pair for stored in sessions if (pair := _pair_of(stored.data))})


def _users(pairs: set[_Pair]) -> dict[_Pair, AbstractBaseUser]:
    """The active users among these."""
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
    if not hasattr(backend, "get_user"):  # it only permits or refuses
        return {}
    if type(backend).get_user is not ModelBackend.get_user:
        looked_up = ((pk, backend.get_user(key)) for pk, key in keys.items())
        return {pk: user for pk, user in looked_up if user is not None}
    users = model._default_manager.in_bulk(list(keys.values()))
    found = {pk: users[key] for pk, key in keys.items() if key in users}
    return {pk: user for pk, user in found.items() if backend.user_can_authenticate(user)}


def _primary_key(model: type[AbstractBaseUser], pk: str) -> Any:
    """The primary key as the model has it; None for one of a former user model."""
    try:
        return model._meta.pk.to_python(pk)
    except ValidationError:
        return None


def _login(key: str, stored: StoredSession, users: Mapping[_Pair, AbstractBaseUser]) -> Login:
    pair = _pair_of(stored.data)
    user = users.get(pair) if pair else None
    auth_hash = stored.data.get(auth.HASH_SESSION_KEY, "")
    if user is not None and _is_current(auth_hash, user):
        backend = stored.data[auth.BACKEND_SESSION_KEY]
        return Login(key, str(user.pk), name_of(user), auth_hash, backend=backend)
    by_another_key = not stored.data or (user is not None and auth_hash != "")
    return Login(key, unverified=by_another_key and not stored.signed)


def _is_current(auth_hash: str, user: AbstractBaseUser) -> bool:
    """Whether the hash was made from the current password, under any secret key in force."""
    if constant_time_compare(auth_hash, user.get_session_auth_hash()):
        return True
    return any(constant_time_compare(auth_hash, h) for h in user.get_session_auth_fallback_hash())


def ended_logins(logins: Sequence[Login]) -> dict[Login, CloseCode]:
    """The close code for each of these logins that no longer stands. Blocking.

    Raises StoreUnavailable if it cannot be known.
    """
    with session_engines.translate_engine_errors():
        sessions = session_engines.load([login.key for login in logins])
        users = _users_of(sessions.values())
        now = {key: _login(key, stored, users).user for key, stored in sessions.items()}
        changed = [login for login in logins if now.get(login.key, "") != login.user]
        owners = _owners(login for login in changed if login.user)
        codes = (
            (login, _end_code(login, sessions.get(login.key), owners.get(login)))
            if login.user
            else (login, CloseCode.CREDENTIALS_CHANGED)  # an anonymous client has logged in
            for login in changed
        )
        return {login: code for login, code in codes if code is not None}


def ended_users(logins: Sequence[Login]) -> list[Login]:
    """Return the logins whose user is gone or inactive. Blocking.

    Raises StoreUnavailable if it cannot be known.
    """
    with session_engines.translate_engine_errors():
        owners = _owners(logins)
        return [login for login in logins if login not in owners]


def _owners(logins: Iterable[Login]) -> dict[Login, AbstractBaseUser]:
    """The active users of these logins. One that an application has made names no backend: its user
    is that of the first backend which knows it, for some backends know no users at all."""
    found: dict[Login, AbstractBaseUser] = {}
    left = set(logins)
    for path in settings.AUTHENTICATION_BACKENDS:
        asked = {login for login in left if login.backend in ("", path)}
        users = _users({(path, login.user) for login in asked})
        found |= {each: users[path, each.user] for each in asked if (path, each.user) in users}
        left -= found.keys()
    return found


def _end_code(
    login: Login, stored: StoredSession | None, owner: AbstractBaseUser | None
) -> CloseCode | None:
    """The close code for a login whose session no longer leads to its user; None to keep it.

    A logout closes its connections itself, by Django's signal. A session that has vanished
    without one has moved to a new key, as after the user's own change of password, or has
    expired: the client comes back with its browser's present cookie, valid or not.
    """
    if owner is None:
        return CloseCode.LOGGED_OUT
    if stored is None:
        return CloseCode.CREDENTIALS_CHANGED
    if not stored.data:  # signed by another key now: the user's hash decides
        unchanged = _is_current(login.auth_hash, owner)
        return None if unchanged else CloseCode.CREDENTIALS_CHANGED
    claims = _primary_key(type(owner), stored.data.get(auth.SESSION_KEY, ""))
    signed_anew = stored.data.get(auth.HASH_SESSION_KEY, "") != login.auth_hash
    # The browser may have a newer cookie, which is not known here.
    outdated = session_engines.are_in_cookies() and not _is_current(login.auth_hash, owner)
    if claims == owner.pk and (signed_anew or outdated):
        return CloseCode.CREDENTIALS_CHANGED
    return CloseCode.LOGGED_OUT
