"""Login renewal: the client of a connected session brings the token of a new login.

Invariants:

1. A session has one user: a login of another user ends it.
2. The store has the digest of the new login before that login is checked once more. So a revocation
   either finds the session in the store, or happened before the check, which sees it.
3. The record here changes before the store does, and no registration that was built before is under
   way meanwhile: none puts the former digest back.
4. Until the check has passed, the former login counts here: it may expire, and be revalidated.
"""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from realtime.protocol.codes import CloseCode
from realtime.security.authentication import Login
from realtime.store.contract import Store, StoreUnavailable
from realtime.store.records import Verdict

from ..sessions.hub import Hub
from ..sessions.session import ConnectedSession
from .handlers import Handlers
from .identification import Identification, LoginRefused


class LoginRenewal:
    """Renews logins. ``registered()`` returns once no registration of sessions is under way."""

    def __init__(
        self,
        hub: Hub,
        store: Store,
        identification: Identification,
        *,
        registered: Callable[[], Awaitable[object]],
    ) -> None:
        self._hub = hub
        self._store = store
        self._identification = identification
        self._registered = registered

    async def renew(self, session: ConnectedSession, handlers: Handlers, auth: str) -> None:
        """Give a session the login of this token, or end it if that login may not be here.

        Raises StoreUnavailable if the login cannot be known, checked or stored now, and what else
        :meth:`.Identification.login` raises. The session keeps its former login then.
        """
        try:
            login = await self._new_login(session, handlers, auth)
        except LoginRefused as refused:
            self._hub.end(session, refused.code, refused.reason)
            return
        handlers.peer = handlers.application.peer = session.record.peer
        if not session.departed:
            self._hub.renew_login(session, handlers.checked(login), login.expires_at)

    async def _new_login(self, session: ConnectedSession, handlers: Handlers, auth: str) -> Login:
        login = await self._identification.login(handlers, auth)
        if login.user != session.record.peer.user:
            raise LoginRefused(CloseCode.NOT_AUTHENTICATED, "expected a login of the same user")
        await self._store_login(session, login)
        if checked := handlers.checked(login):
            ended = await self._identification.ended_logins([checked])
            if checked in ended:
                raise LoginRefused(ended[checked])
        return login

    async def _store_login(self, session: ConnectedSession, login: Login) -> None:
        """Raises LoginRefused if the end of this login was requested."""
        await self._registered()
        peer = replace(session.record.peer, login=login.digest, username=login.username)
        session.record = replace(session.record, peer=peer)
        answer = await self._store.change_login(session.id, session.key, login.digest)
        if isinstance(answer, Verdict):
            raise LoginRefused(answer.code, answer.reason)
        if answer is None and not session.departed:
            raise StoreUnavailable("the store does not have this session now")
