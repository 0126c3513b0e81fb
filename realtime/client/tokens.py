"""The token of the login, from the application's ``auth``: kept until the server refuses it or says
that it expires."""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from functools import partial

from realtime.protocol.base import MAX_AUTH

Auth = str | Callable[[], str | Awaitable[str]]

PATIENCE = 15.0  # seconds for one call; then the attempt fails, and the next one calls again

_TOKEN = re.compile(rf"[ -~]{{1,{MAX_AUTH}}}")


class TokenSource:
    """Calls ``auth``, one call at a time. A plain function runs in a thread, as it may block."""

    def __init__(self, auth: Auth | None) -> None:
        self._auth = auth
        self._token: str | None = None
        self._accepted = False  # by the server, so another may help once it refuses this one
        self._calling = asyncio.Lock()
        self._in_thread: asyncio.Future[object] | None = None  # the newest call of a plain function

    @property
    def is_used(self) -> bool:
        """Whether the client brings tokens at all."""
        return self._auth is not None

    async def get(self) -> str | None:
        """Return the kept token, or a new one; None for a client without tokens. Raises what
        ``auth`` raises, TimeoutError after PATIENCE, and TypeError if it returns no token; that
        error says nothing of the value."""
        async with self._calling:
            if self._token is None and self._auth is not None:
                await self._call()
            return self._token

    async def renew(self) -> str | None:
        """Return a new token in any case. Raises like :meth:`get`, and keeps the old one then."""
        async with self._calling:
            if self._auth is not None:
                await self._call()
            return self._token

    def on_accepted(self) -> None:
        """Note that the server has taken the token."""
        self._accepted = self._token is not None

    def refuse(self) -> bool:
        """Drop a token that the server has refused; return whether another one may help, because
        the server has accepted this one before."""
        accepted, self._accepted, self._token = self._accepted, False, None
        return accepted

    async def _call(self) -> None:
        async with asyncio.timeout(PATIENCE):
            token = await self._read()
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise TypeError(f"expected a token of 1 to {MAX_AUTH} printable ASCII characters")
        self._token, self._accepted = token, False

    async def _read(self) -> object:
        auth = self._auth
        if not callable(auth):
            return auth
        if inspect.iscoroutinefunction(auth):
            return await auth()
        token = await self._read_in_thread(auth)
        return await token if inspect.isawaitable(token) else token

    async def _read_in_thread(self, auth: Callable[[], object]) -> object:
        """Call a plain function; a call that is late keeps its thread, and is awaited again."""
        if self._in_thread is None or self._in_thread.done():
            call = partial(copy_context().run, auth)
            self._in_thread = asyncio.get_running_loop().run_in_executor(None, call)
        return await asyncio.shield(self._in_thread)
