"""The consumer: what an application overrides and calls for one connection."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache, wraps
from typing import Any

from channels.consumer import AsyncConsumer

from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import RoomMessage
from realtime.protocol.position import Position
from realtime.protocol.presence_messages import MAX_DESCRIPTION
from realtime.protocol.request_messages import ClientRequest
from realtime.publish.publishing import encode_data
from realtime.security.authentication import ANONYMOUS, Login, session_key
from realtime.security.origin import headers_of
from realtime.store.contract import StoreUnavailable
from realtime.store.log import PublishRequest, check_requests
from realtime.store.records import Peer
from realtime.worker import instances
from realtime.worker.admission.served_message import ServedMessage
from realtime.worker.connections.connection import Connection
from realtime.worker.rooms.permissions import PUBLISH, Refused
from realtime.worker.runtime import Runtime
from realtime.worker.sessions.session import ConnectedSession

from .conversation import Receive, Send, serve_websocket

logger = logging.getLogger("realtime.work")


class RealtimeConsumer(AsyncConsumer):
    """One connection. Subclass it to authenticate differently, to let clients into rooms, or to
    take binary frames. ``peer`` is who connects: its address and agent from the start, its user
    after ``authenticate``; ``session`` the session, None before ``welcome``; ``scope`` the ASGI
    scope; ``auth`` the token that the client has brought, None without one. It is there only while
    ``authenticate`` runs.

    It is a Channels consumer in its routing, scope and middleware, but its :class:`.Conversation`
    reads the frames: Channels' dispatch makes tasks and a thread hop for every frame, and does
    not call ``disconnect`` when a server cancels it.
    """

    scope: Mapping[str, Any]
    connection: Connection
    peer: Peer
    session: ConnectedSession | None = None
    auth: str | None = None

    # ------------------------------------------------------------ for the application

    async def authenticate(self) -> Login:
        """The login of the client that has said hello, or has brought a new token; ``ANONYMOUS`` if
        it has none. Without an override it is that of the Django session's cookie, and a client
        with a token is refused: read ``self.auth``, and return ``Login.of(user, key=…,
        expires_at=…)``.

        Raise StoreUnavailable if it cannot be known now. After exceptions the client comes back.
        """
        if self.auth is not None:
            _log_unread_token(type(self).__qualname__)
            return ANONYMOUS
        return await _current_worker().login_store.login(session_key(headers_of(self.scope)))

    @classmethod
    async def ended_tokens(cls, logins: Sequence[Login]) -> Iterable[Login]:
        """Return the logins of tokens that no longer stand; their sessions are closed with 4503.
        Without an override: those whose user is gone or inactive.

        Called every REVALIDATE_INTERVAL with up to 500 logins, again a moment later with those
        that it has returned, and with a new login before it counts. Raise StoreUnavailable if it
        cannot be known now: the connections stay.
        """
        return await _current_worker().login_store.ended_users(logins)

    async def authorize(self, room: str, action: str) -> bool:
        """Whether ``self.peer`` may "join" this room, or "publish" in it. Without an override
        the answer is no. Called again at every reconnect, and never for users' private rooms.

        After an exception the client tries again later.
        """
        return False

    async def describe_presence(self, room: str, user: str) -> dict[str, Any] | None:
        """The description of this client's user, given by primary key, for the others in a room: at
        most 1 KiB as JSON. None, as without an override: the client is not present for them. Called
        when the client joins and at every reconnect, never for anonymous clients, which are
        counted, and for users' private rooms.

        After an exception, which is logged, it is as after None; after StoreUnavailable the client
        tries again later.
        """
        return None

    async def receive_message(self, message: RoomMessage) -> None:
        """Publish a client's message in its room, if the client has joined the room and
        ``authorize`` permits it. The message is acknowledged when this returns; a client that
        misses the acknowledgement sends it again with the same ``message.key``.

        Raise Refused to reject it. After any other exception the client sends it again later.
        """
        await self._check_publish(message.room)
        await self.publish(message.room, message.data, key=message.key)

    async def publish(self, room: str, data: Any, *, key: str) -> Position:
        """Publish in the name of this client; once only for the same user, room and ``key``. A
        client whose message is being received gets the position of the first publication in the
        message's room.

        Raises StoreUnavailable, and Refused if ``data`` is too large or not JSON.
        """
        request = self._publish_request(room, data, key)
        (result,) = await _current_worker().publisher.publish_all([request])
        ServedMessage.note(room, result.position)
        return result.position

    def receive_request(self, request: ClientRequest) -> Any:
        """Answer a request of the client's. Override it with a coroutine that returns the answer,
        or with an async generator that yields the parts of a stream; a coroutine may also return an
        async iterable of parts. Several requests of a client run at the same time.

        Raise Refused to reject it. After StoreUnavailable the client gets ``unavailable``, after
        any other exception ``failed``.
        """
        raise Refused("expected a request that this server answers", ErrorCode.UNKNOWN_REQUEST)

    async def receive_bytes(self, data: bytes) -> None:
        """Handle a binary frame. Without an override such frames are answered with an error."""
        raise RuntimeError("expected an override")

    def send_bytes(self, data: bytes) -> None:
        """Queue a binary frame for the client. Never waits."""
        self.connection.send_bytes(data)

    # ------------------------------------------------------------ presence

    @property
    def describes_presence(self) -> bool:
        """Whether ``describe_presence`` is overridden."""
        return type(self).describe_presence is not RealtimeConsumer.describe_presence

    async def description_in(self, room: str, user: str) -> str | None:
        """The result of ``describe_presence`` as JSON. Raises TypeError and ValueError for one that
        no client can get, and what ``describe_presence`` raises."""
        described = await self.describe_presence(room, user)
        if described is None:
            return None
        if not isinstance(described, dict):
            raise TypeError(f"expected a dict or None, not {type(described).__name__}")
        text = encode_data(described)
        if (size := len(text.encode())) > MAX_DESCRIPTION:
            raise ValueError(f"expected at most {MAX_DESCRIPTION} bytes of JSON, not {size}")
        return text

    # ------------------------------------------------------------ messages of clients

    @property
    def only_publishes(self) -> bool:
        """Whether ``publish_messages`` does the same as ``receive_message`` for each message: if
        neither that nor ``publish`` is overridden."""
        own, base = type(self), RealtimeConsumer
        return (own.receive_message, own.publish) == (base.receive_message, base.publish)

    async def publish_messages(
        self, messages: Sequence[RoomMessage]
    ) -> Sequence[Position | Refused]:
        """Publish messages of one room, with one call of ``authorize`` and one of the store, and
        return their positions. Raises what ``receive_message`` raises for all of them."""
        await self._check_publish(messages[0].room)
        drafts = [self._draft(message) for message in messages]
        valid = [draft for draft in drafts if isinstance(draft, PublishRequest)]
        results = iter(await _current_worker().publisher.publish_all(valid))
        return [
            next(results).position if isinstance(draft, PublishRequest) else draft
            for draft in drafts
        ]

    async def _check_publish(self, room: str) -> None:
        assert self.session is not None
        if room not in self.session.room_reader.room_names:
            raise Refused("expected a room that was joined", ErrorCode.NOT_JOINED)
        if not await self.authorize(room, PUBLISH):
            raise Refused("expected a room that this user may publish in")

    def _draft(self, message: RoomMessage) -> PublishRequest | Refused:
        try:
            return self._publish_request(message.room, message.data, message.key)
        except Refused as refused:
            return refused

    def _publish_request(self, room: str, data: Any, key: str) -> PublishRequest:
        user = self.peer.user  # may have a colon: with its length, keys of others never match
        try:
            request = PublishRequest(room, encode_data(data), f"c:{len(user)}:{user}:{key}")
            check_requests([request])
        except (TypeError, ValueError) as error:
            raise Refused(str(error), ErrorCode.INVALID_MESSAGE) from None
        return request

    # ------------------------------------------------------------ the connection's life

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> Any:
        """The ASGI application, with a thread for each sync call of an overridden ``__call__``."""
        application = super().as_asgi(**initkwargs)

        @wraps(application)
        async def with_threads(*arguments: Any) -> None:
            worker = instances.current()
            with worker.handler_threads.shared() if worker else nullcontext():
                await application(*arguments)

        return with_threads

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        self.scope = scope
        takes_bytes = type(self).receive_bytes is not RealtimeConsumer.receive_bytes
        await serve_websocket(self, receive, send, takes_bytes=takes_bytes)


@cache
def _log_unread_token(consumer: str) -> None:
    """Log once for each class that it cannot read tokens."""
    text = "a client has brought a token: expected %s.authenticate() to read self.auth"
    logger.error(text, consumer)


def _current_worker() -> Runtime:
    """The worker that serves this connection. Raises StoreUnavailable if it has ended: a handler
    that outlives a drain must not start another worker."""
    if worker := instances.current():
        return worker
    raise StoreUnavailable("this worker has ended")
