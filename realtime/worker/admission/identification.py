"""Identification: a client's login, and which rooms of its ``hello`` it may join."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from realtime.common.time_limit import time_limit
from realtime.protocol.codes import CloseCode
from realtime.protocol.messages import Error, Hello
from realtime.protocol.position import Start
from realtime.security.authentication import Login
from realtime.store.records import Peer

from ..connections.connection import Connection
from ..sessions.checked_login import CheckedLogin, EndedLogins
from ..sessions.login_expiry import EXPIRED
from .handlers import Handlers

# Seconds for ``authenticate``, for the rooms of a hello, and for a slot of admission; then the
# client is asked to come again: by then browsers have given up.
ADMISSION_TIMEOUT = 10.0

LOGIN_FRESH = 1.0  # seconds after which a login is checked again before the session opens


@dataclass(frozen=True, slots=True)
class PendingSession:
    """A connection that has said ``hello`` and waits for its session. ``key`` is its name in the
    store. ``login``, loaded at ``identified_at`` (monotonic), is None if it cannot be checked
    again; ``expires_at`` is in unix seconds, None if it does not expire. ``rooms`` are those that
    it may be in, and where ``hello`` begins in each; ``refusals`` are about the others.
    ``presence`` has the descriptions of its user in these rooms."""

    connection: Connection
    hello: Hello
    key: str
    peer: Peer
    login: CheckedLogin | None
    expires_at: float | None
    identified_at: float
    rooms: Mapping[str, Start]
    refusals: Sequence[Error]
    presence: dict[str, str]


@dataclass(eq=False)
class LoginRefused(Exception):
    """The client may not be here with its login; the code and the reason to close with."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Identification:
    """Identifies clients through their application's handlers. ``ended_logins(logins)`` returns the
    close code of each login that no longer stands."""

    ended_logins: EndedLogins
    allow_anonymous: bool

    async def identify(
        self, connection: Connection, hello: Hello, handlers: Handlers
    ) -> PendingSession | None:
        """Identify the client that has said ``hello``; its application gets its peer. Returns None
        if the connection was ended because the client must log in.

        Raises what :meth:`login` raises besides LoginRefused.
        """
        try:
            login = await self.login(handlers, hello.auth)
        except LoginRefused as refused:
            connection.end(refused.code, refused.reason)
            return None
        at = time.monotonic()
        known = {"user": login.user, "username": login.username, "login": login.digest}
        peer = handlers.peer = handlers.application.peer = replace(handlers.peer, **known)
        async with time_limit(ADMISSION_TIMEOUT):
            rooms, refusals = await handlers.permissions().grant(hello.starts)
            presence = await handlers.describe(rooms)
        key, checked = secrets.token_urlsafe(12), handlers.checked(login)
        return PendingSession(
            connection, hello, key, peer, checked, login.expires_at, at, rooms, refusals, presence
        )

    async def login(self, handlers: Handlers, auth: str | None) -> Login:
        """The login of a client with this token, or none, as its application finds it.

        Raises LoginRefused; LoginsUnavailable and AtCapacity if the login cannot be known now,
        what else the application raises, and TimeoutError after ADMISSION_TIMEOUT.
        """
        async with time_limit(ADMISSION_TIMEOUT):
            login = await handlers.authenticate(auth)
        if not login.user and (auth is not None or not self.allow_anonymous):
            raise LoginRefused(CloseCode.NOT_AUTHENTICATED)
        if login.expires_at is not None and login.expires_at <= time.time():
            raise LoginRefused(CloseCode.CREDENTIALS_CHANGED, EXPIRED)
        return login

    async def still_stands(self, new: PendingSession) -> bool:
        """Whether the login still stands, after a long wait: a logout meanwhile found no session to
        close. Ends the connection if it does not. Raises StoreUnavailable."""
        if new.login is None or time.monotonic() - new.identified_at < LOGIN_FRESH:
            return True
        code = (await self.ended_logins([new.login])).get(new.login)
        if code is not None:
            new.connection.end(code)
        return code is None
