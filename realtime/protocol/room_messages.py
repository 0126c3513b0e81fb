"""Messages of a client that travel in one frame, and their results."""

from typing import Annotated, Any

import msgspec

from .base import Integer, Message, Secret

MAX_ITEMS = 32  # messages in one frame


class MessageItem(msgspec.Struct, frozen=True):
    """One of several messages to a room; see :class:`RoomMessage`."""

    data: Any
    key: Secret


class RawMessageItem(msgspec.Struct, frozen=True):
    """:class:`MessageItem` with undecoded data."""

    data: msgspec.Raw
    key: Secret


class RoomMessages(Message, frozen=True, tag="messages"):
    """Messages to a room that are served in their order, with one answer; at most MAX_ITEMS."""

    id: Integer
    room: str
    items: tuple[MessageItem, ...]


class RawRoomMessages(Message, frozen=True, tag="messages"):
    """:class:`RoomMessages` with undecoded data."""

    id: Integer
    room: str
    items: Annotated[tuple[RawMessageItem, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class ItemResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of one of several messages: its position if it was published, a code if it was
    refused, and nothing if its handler has published nothing."""

    epoch: str | None = None
    offset: int | None = None
    code: str | None = None
    detail: str | None = None


class Acks(Message, frozen=True, tag="acks"):
    """Answers :class:`RoomMessages`, with a result for each of them, in their order."""

    id: int
    items: tuple[ItemResult, ...]
