"""The messages about requests with answers, in both directions."""

from typing import Annotated, Any

import msgspec

from .base import Count, Integer, Message

MAX_REQUEST_NAME = 100  # characters

RequestName = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_REQUEST_NAME)]


class ClientRequest(Message, frozen=True, tag="request"):
    """A request to the application, which answers with one :class:`Reply` or a stream of them.
    ``name`` says which request it is; ``data`` is the application's."""

    id: Integer
    name: RequestName
    data: Any = None


class RawClientRequest(Message, frozen=True, tag="request"):
    """:class:`ClientRequest` with undecoded data, which may be too large to decode."""

    id: Integer
    name: RequestName
    data: msgspec.Raw = msgspec.Raw(b"null")


class Cancel(Message, frozen=True, tag="cancel"):
    """Ends a request whose answer the client no longer wants. It has no answer itself."""

    id: Integer


class ReplyReceived(Message, frozen=True, tag="reply_received"):
    """Acknowledges parts of a streamed answer; ``count`` is of all that the client has consumed."""

    id: Integer
    count: Count


RequestFrame = ClientRequest | Cancel | ReplyReceived


class Reply(Message, frozen=True, tag="reply", omit_defaults=True):
    """Answers a client's request: with the one answer, which is ``done``, or with a part of a
    stream. A stream ends with a reply that is ``done`` and has no ``data``."""

    id: int
    done: bool
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
