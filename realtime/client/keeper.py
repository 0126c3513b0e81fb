"""Keeps one connection to the server through losses, restarts and renewed logins."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from realtime import __version__
from realtime.protocol.codes import CloseCode, is_final
from realtime.protocol.messages import VERSION
from realtime.protocol.rooms import is_private

from .backoff import Backoff
from .clock import elapsed
from .dialling import dial
from .errors import Disconnected
from .schedule import ReconnectSchedule
from .session import ResumableSession
from .socket import ClientSocket, Frame, LineEnd
from .tokens import Auth, TokenSource

logger = logging.getLogger("realtime.client")

NAME = f"realtime-python/{__version__}"
MAX_TIMEOUT = 60.0
REFUSED_TOKEN = frozenset({CloseCode.NOT_AUTHENTICATED, CloseCode.CREDENTIALS_CHANGED})


class Traffic(Protocol):
    """All that travels on the connections: rooms, messages, requests, binary frames."""

    def hello(self) -> Frame:
        """Return the ``rooms`` of the next hello."""

    def open(self, socket: ClientSocket, welcome: Frame) -> None:
        """A connection has been welcomed."""

    def on_frame(self, frame: Frame, size: int) -> None:
        """A frame of ``size`` bytes has arrived."""

    def on_bytes(self, data: bytes) -> None:
        """A binary frame has arrived."""

    def lose(self) -> None:
        """The connection has ended."""


class ConnectionKeeper:
    """Makes attempts until the client leaves, or the server says that it stays away.

    ``timeout`` is for each half of an attempt, in seconds: until the socket opens, then until the
    welcome. It doubles after each attempt that has run into it, up to MAX_TIMEOUT.
    """

    def __init__(
        self,
        url: str,
        traffic: Traffic,
        *,
        headers: Mapping[str, str],
        auth: Auth | None,
        backoff: Backoff,
        timeout: float,
    ) -> None:
        self._url = url
        self._traffic = traffic
        self._headers = headers
        self._tokens = TokenSource(auth)
        self._schedule = ReconnectSchedule(backoff)
        self._session = ResumableSession()
        self._timeout = timeout
        self._timed_out = 0  # attempts in a row
        self._opening: ClientSocket | None = None
        self._renewal: asyncio.Task[None] | None = None
        self.leaving = False
        self.socket: ClientSocket | None = None  # of a connection that has been welcomed
        self.welcome: Frame | None = None  # the newest
        self.on_welcomed: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Connect, and connect again; return after :meth:`leave`. Raises Disconnected once the
        client has to stay away."""
        while True:
            end = await self._attempt()
            if self.leaving:
                return
            pause = self._pause_after(end)
            logger.info("%s (%s); connects again in %.1f s", end.reason, end.code, pause)
            await asyncio.sleep(pause)

    async def leave(self) -> None:
        """End the session: say bye, and close the connection."""
        self.leaving = True
        if self.socket:
            await self.socket.leave()

    # ------------------------------------------------------------ an attempt

    async def _attempt(self) -> LineEnd:
        self._schedule.on_attempt()
        try:
            auth = await self._tokens.get()
        except Exception:
            logger.warning("the application has no token for the login", exc_info=True)
            return LineEnd(CloseCode.LOST, "no token for the login")
        end = await self._connect(auth, within=self._attempt_timeout)
        self._timed_out = self._timed_out + 1 if end.timed_out else 0
        return end

    @property
    def _attempt_timeout(self) -> float:
        return min(max(MAX_TIMEOUT, self._timeout), self._timeout * 2.0**self._timed_out)

    async def _connect(self, auth: str | None, *, within: float) -> LineEnd:
        websocket = await dial(self._url, self._headers, within=within)
        if isinstance(websocket, LineEnd):
            return websocket
        self._opening = ClientSocket(websocket, self)
        try:
            return await self._opening.run(self._hello(auth), within=within)
        finally:
            self.socket = self._opening = None
            self._traffic.lose()
            await self._stop_renewal()

    def _hello(self, auth: str | None) -> Frame:
        hello = {
            "type": "hello",
            "protocol": VERSION,
            "client": NAME,
            "rooms": self._traffic.hello(),
        }
        optional = {"resume": self._session.resume(), "auth": auth}
        return hello | {name: value for name, value in optional.items() if value is not None}

    def _pause_after(self, end: LineEnd) -> float:
        """Return the seconds until the next attempt. Raises Disconnected if there is none."""
        reason = end.reason
        if self._stays_away(end):
            self._session.clear()
            raise Disconnected(end.code, reason)
        if self._schedule.exhausted:
            reason = f"gave up after {self._schedule.attempts} attempts: {reason}"
            raise Disconnected(end.code, reason)
        return self._schedule.pause_after(end.code, end.delay, elapsed())

    def _stays_away(self, end: LineEnd) -> bool:
        if end.code == CloseCode.TAKEN_OVER and self._session.reclaim(elapsed()):
            return False
        if self._tokens.is_used and end.code in REFUSED_TOKEN:
            return not self._tokens.refuse()
        return is_final(end.code) or (end.permanent and self.welcome is None)

    # ------------------------------------------------------------ called by the socket

    def on_welcome(self, welcome: Frame) -> None:
        """Begin to work on the connection."""
        self._timed_out = 0
        self.socket, self.welcome = self._opening, welcome
        self._session.on_welcome(welcome)
        self._schedule.on_welcome(elapsed())
        self._tokens.on_accepted()
        assert self.socket is not None
        self._traffic.open(self.socket, welcome)
        self.on_welcomed()

    def on_frame(self, frame: Frame, size: int) -> None:
        """Renew the login if the server asks for it; all else is traffic."""
        if frame["type"] == "auth_expiring":
            self._renew()
        else:
            self._traffic.on_frame(frame, size)

    def on_bytes(self, data: bytes) -> None:
        """Pass on a binary frame."""
        self._traffic.on_bytes(data)

    # ------------------------------------------------------------ the login

    def _renew(self) -> None:
        if self._tokens.is_used and self.socket and (not self._renewal or self._renewal.done()):
            renewal = self._bring_token(self.socket)
            self._renewal = asyncio.create_task(renewal, name="realtime-client-renewal")

    async def _bring_token(self, socket: ClientSocket) -> None:
        try:
            auth = await self._tokens.renew()
        except Exception:  # the server asks again
            logger.warning("the application has no new token for the login", exc_info=True)
            return
        socket.send({"type": "auth", "auth": auth})
        self._tokens.on_accepted()

    async def _stop_renewal(self) -> None:
        if self._renewal:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])
            self._renewal = None


def private_room(welcome: Frame) -> str | None:
    """Return the user's own room, which a welcome lists; None for anonymous ones."""
    return next((name for name in welcome["rooms"] if is_private(name)), None)
