"""The client as an application uses it: one session, over as many connections as it takes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from websockets.exceptions import ConnectionClosed

from realtime.protocol.codes import CloseCode
from realtime.protocol.position import MAX_REWIND, Position
from realtime.protocol.rooms import EXPECTED, is_room

from .backoff import Backoff
from .calls import RequestCall
from .data import encode_data
from .dialling import check_url
from .errors import Disconnected, SendFailed
from .handle import RoomHandle
from .inbox import Inbox
from .keeper import ConnectionKeeper, private_room
from .outbox import UnsentMessage
from .socket import Frame
from .tokens import Auth
from .traffic import ClientTraffic

DEFAULT_BACKOFF = Backoff()


class RealtimeClient:
    """A client of the server at ``url``, such as ``wss://example.com/ws/``: ``async with``.

    The block begins with the first welcome. It raises :class:`.Disconnected` if the server refuses
    the client for good, or the address is wrong; while the server is away it waits, with
    ``backoff``. Within the block the client comes back after every loss, to the same session. At
    the end of the block the session ends.

    ``headers`` of the handshake may have the ``Cookie`` of a login, or an ``Origin``. ``auth``
    brings tokens instead: a text, or a function, async or not, that returns a new one. A plain
    function is called in a thread. ``timeout`` is for each half of an attempt, in seconds: until
    the socket opens, then until the welcome; it grows where the line is slow.

    All methods belong to the event loop of the block. Raises ValueError for an invalid ``url``.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        backoff: Backoff = DEFAULT_BACKOFF,
        timeout: float = 10.0,
    ) -> None:
        check_url(url)
        self._traffic = ClientTraffic()
        self._keeper = ConnectionKeeper(
            url,
            self._traffic,
            headers=dict(headers or {}),
            auth=auth,
            backoff=backoff,
            timeout=timeout,
        )
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None  # why the client has ended

    async def __aenter__(self) -> Self:
        if self._task is not None:
            raise RuntimeError("expected a new client: each has one block")
        opened = asyncio.Event()
        self._keeper.on_welcomed = opened.set
        self._task = asyncio.create_task(self._keep(opened), name="realtime-client")
        try:
            await opened.wait()
        except asyncio.CancelledError:  # also in the moment of the welcome
            await self._stop()
            raise
        if self._error:
            raise self._error
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self._stop()
        if kind is None and self._error and not isinstance(self._error, Disconnected):
            raise self._error

    # ------------------------------------------------------------ what it offers

    @property
    def connected(self) -> bool:
        """Whether there is a connection now, as far as the client knows."""
        return self._keeper.socket is not None

    @property
    def session(self) -> str:
        """The name of the session."""
        return str(self._welcome["session"])

    @property
    def user(self) -> str | None:
        """The user's primary key as text; None for an anonymous client."""
        user: str | None = self._welcome["user"]
        return user

    @property
    def private_room(self) -> str | None:
        """The name of the user's own room; None for an anonymous client."""
        return private_room(self._welcome)

    def room(self, name: str, since: Position | str | None = None, rewind: int = 0) -> RoomHandle:
        """Return a new handle of a room, which the client joins with the first one.

        It begins after ``since``, a position or its text such as ``"k3:41"``; with the last
        ``rewind`` publications, 1 to 1,000, as far as the log reaches; otherwise with the join.
        A ``since`` of ``""`` is the answer of ``position()`` while the store was away: the handle
        begins with the join, and with a :class:`.Resync`. Raises ValueError for other arguments.
        """
        if not is_room(name):
            raise ValueError(f"expected {EXPECTED}, not {name!r}")
        if not 0 <= rewind <= MAX_REWIND or (rewind and since is not None):
            raise ValueError(f"expected since, or a rewind of 1 to {MAX_REWIND}")
        handle = RoomHandle(
            name,
            since=_position(since),
            rewind=rewind,
            unknown=since == "",
            send=self._send,
            close=self._traffic.rooms.close,
            watch=self._traffic.rooms.watch,
        )
        if self._error:
            handle.end(self._fresh_error())
        else:
            self._traffic.rooms.open(handle)
        return handle

    def request(self, name: str, data: Any = None, *, timeout: float | None = None) -> RequestCall:
        """Return a request to the application: ``await`` it for its answer, or iterate over the
        parts of a stream with ``async for``.

        It waits for a connection, and is sent once: a lost connection fails it. ``timeout`` is in
        seconds, for the sending and for each answer or part; TimeoutError follows. Raises
        :class:`.RequestFailed` and :class:`.Disconnected` when it is awaited, and here TypeError
        and ValueError for data that is no JSON, or too large, and for a name beyond 100 characters.
        """
        return RequestCall(self._traffic.calls, name, self._encode(data), timeout=timeout)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame to the application. The client neither keeps nor repeats it. Raises
        :class:`.SendFailed` without a connection, and ValueError above the server's limit."""
        limit = self._welcome["max_message_size"]
        if len(data) > limit:
            raise ValueError(f"expected at most {limit} bytes, not {len(data)}")
        try:
            if self._keeper.socket is None:
                raise SendFailed("not_connected", "there is no connection now")
            await self._keeper.socket.send_bytes(data)
        except ConnectionClosed:
            raise SendFailed("not_connected", "the connection has ended") from None

    def binary(self) -> AsyncIterator[bytes]:
        """Return an iterator over the application's binary frames from now on. It raises
        :class:`.Behind` at 1,000 unread ones, and :class:`.Disconnected` at the end."""
        inbox: Inbox[bytes] = Inbox()
        if self._error:
            inbox.end(self._fresh_error())
        self._traffic.binary.add(inbox)
        return inbox

    async def wait_closed(self) -> None:
        """Await the end of the client. Raises :class:`.Disconnected`."""
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._error:
            raise self._fresh_error()

    # ------------------------------------------------------------ inside

    @property
    def _welcome(self) -> Frame:
        if self._keeper.welcome is None:
            raise RuntimeError("expected to be in the client's block: async with client")
        return self._keeper.welcome

    def _encode(self, data: Any) -> bytes:
        return encode_data(data, max_bytes=self._welcome["max_publication"])

    async def _send(self, room: str, data: Any) -> Position | None:
        message = UnsentMessage(self._encode(data))
        if self._error:
            raise SendFailed("disconnected", str(self._error))
        self._traffic.rooms.add(room, message)
        return await message.answer

    async def _keep(self, opened: asyncio.Event) -> None:
        """Keep the connection. The handles and requests raise the error of its end."""
        error: Exception | None = None
        try:
            await self._keeper.run()
        except asyncio.CancelledError:
            if not self._keeper.leaving:  # the program cancels all tasks, or `auth` was cancelled
                error = Disconnected(CloseCode.LOST, "the client's task was cancelled")
        except Exception as raised:
            error = raised
        self._end(error)
        opened.set()

    async def _stop(self) -> None:
        task = self._task
        assert task is not None
        try:
            await self._keeper.leave()
        finally:
            task.cancel()
            await asyncio.wait([task])

    def _end(self, error: Exception | None) -> None:
        """End everything: with an exception, or, if the application has left, without one."""
        left = Disconnected(CloseCode.NORMAL, "the client has left")
        self._error = error or left
        make_error = self._fresh_error if error else lambda: None
        self._traffic.end(make_error, self._fresh_error)

    def _fresh_error(self) -> Exception:
        """Return the error for one more reader: each raises it with a traceback of its own."""
        error = self._error
        if isinstance(error, Disconnected):
            return Disconnected(error.code, error.reason)
        assert error is not None
        return error


def _position(since: Position | str | None) -> Position | None:
    if isinstance(since, str):
        return Position.parse(since) if since else None
    return since
