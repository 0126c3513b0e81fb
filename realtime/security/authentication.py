"""Who connects: login by Django session, and whether that login still stands.

Channels' own middleware compares only the current secret, flushes the session when
a rotated key does not match, and never looks again (channels 4.3, ``auth.py``), so
this reads sessions itself, see ``engines``, changes none, and knows how to check again.
"""

import hashlib
from collections.abc import Mapping, Sequence
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

# As much as the registry's columns hold; a user model's own may be longer.
MAX_USERNAME = 255


@dataclass(frozen=True, slots=True)
class Login:
    """A Django session and its user. ``key`` is the session key and never leaves the
    process; ``digest`` stands for it elsewhere. ``auth_hash`` changes with the password.
    ``backend`` is the path of the authentication backend that knows the user.

    ``unverified``: the session is there, and this process cannot tell whose it is, because
    none of its keys has signed it: perhaps one that is newer, in a rolling restart.
    """

    key: str
    user: str = ""
    username: str = ""
    auth_hash: str = ""
    unverified: bool = field(default=False, compare=False)
    backend: str = field(default="", compare=False)

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
    Raises StoreUnavailable if it cannot be known.
    """
    with session_engines.answering():
        sessions = session_engines.load(keys)
        users = _users({pair for kept in sessions.values() if (pair := _claimed(kept.data))})
        return {key: _login(key, kept, users) for key, kept in sessions.items()}


def probe() -> None:
    """Read sessions and users once, as logins need it. Blocking.

    Raises StoreUnavailable, with the words of what failed.
    """
    with session_engines.answering():
        session_engines.probe()
        list(auth.get_user_model()._default_manager.values_list("pk")[:1])


_Pair = tuple[str, str]  # authentication backend, user's primary key as the session has it


def _claimed(data: dict[str, Any]) -> _Pair | None:
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


def _login(key: str, kept: StoredSession, users: Mapping[_Pair, AbstractBaseUser]) -> Login:
    pair = _claimed(kept.data)
    user = users.get(pair) if pair else None
    known = kept.data.get(auth.HASH_SESSION_KEY, "")
    if user is not None and _is_current(known, user):
        name = str(user.get_username())[:MAX_USERNAME]
        return Login(key, str(user.pk), name, known, backend=kept.data[auth.BACKEND_SESSION_KEY])
    by_another_key = not kept.data or (user is not None and known != "")
    return Login(key, unverified=by_another_key and not kept.signed)


def _is_current(known: str, user: AbstractBaseUser) -> bool:
    """Whether the hash was made with today's password, under any secret key in force."""
    if constant_time_compare(known, user.get_session_auth_hash()):
        return True
    return any(constant_time_compare(known, h) for h in user.get_session_auth_fallback_hash())


def verdicts(logins: Sequence[Login]) -> dict[Login, CloseCode]:
    """The close code for each of these logins that no longer stands. Blocking.

    Raises StoreUnavailable if it cannot be known.
    """
    with session_engines.answering():
        sessions = session_engines.load([login.key for login in logins])
        users = _users({pair for kept in sessions.values() if (pair := _claimed(kept.data))})
        now = {key: _login(key, kept, users).user for key, kept in sessions.items()}
        moved = [login for login in logins if now.get(login.key, "") != login.user]
        owners = _users({_owner(login) for login in moved if login.user})
        judged = (
            (login, _verdict(login, sessions.get(login.key), owners.get(_owner(login))))
            if login.user
            else (login, CloseCode.CREDENTIALS_CHANGED)  # they have become somebody
            for login in moved
        )
        return {login: code for login, code in judged if code is not None}


def _owner(login: Login) -> _Pair:
    """A login of the application's own making names no backend."""
    return login.backend or settings.AUTHENTICATION_BACKENDS[0], login.user


def _verdict(
    login: Login, kept: StoredSession | None, owner: AbstractBaseUser | None
) -> CloseCode | None:
    """How the sockets of a login end whose session does not lead to its user any more; None if
    they stay.

    A logout says so itself, by Django's signal. A session that has vanished without one has
    moved to a new key, as after the user's own change of password, or has expired: the socket
    comes back with the cookie that the browser has now, and is turned away at the door if that
    one is worth nothing.
    """
    if owner is None:
        return CloseCode.LOGGED_OUT
    if kept is None:
        return CloseCode.CREDENTIALS_CHANGED
    if not kept.data:  # another key signs it now: what is known of the user decides
        unchanged = _is_current(login.auth_hash, owner)
        return None if unchanged else CloseCode.CREDENTIALS_CHANGED
    claims = _primary_key(type(owner), kept.data.get(auth.SESSION_KEY, ""))
    signed_anew = kept.data.get(auth.HASH_SESSION_KEY, "") != login.auth_hash
    # What a newer cookie says, which the browser may have, is not known here.
    outdated = session_engines.in_cookies() and not _is_current(login.auth_hash, owner)
    if claims == owner.pk and (signed_anew or outdated):
        return CloseCode.CREDENTIALS_CHANGED
    return CloseCode.LOGGED_OUT
