"""The messages of one room to the server, each published once.

One frame is on its way; the messages that wait meanwhile travel together in the next. So their
order holds, with any refusals and repetitions. A message has the same key each time it is sent.
"""

import asyncio
import logging
import uuid
from typing import Any

import msgspec

from realtime.protocol.position import Position

from .clock import elapsed
from .errors import SendFailed
from .line import RETRYABLE, LineRequest, RequestLine

Frame = dict[str, Any]

logger = logging.getLogger("realtime.client")

MAX_ITEMS = 32  # of one frame
MAX_BYTES = 65_536  # of a frame, or fewer if the server says so, unless one alone is larger
FRAME_BYTES = 160  # at most, of a frame without items
ITEM_BYTES = 55  # at most, of an item without its data

# The server remembers a message's key for five minutes; the message may take some of them.
MAX_AGE = 240.0


class UnsentMessage:
    """A message until it is answered. ``json`` is its data as UTF-8."""

    def __init__(self, json: bytes) -> None:
        self.json = json
        self.key = uuid.uuid4().hex
        self.answer: asyncio.Future[Position | None] = asyncio.get_running_loop().create_future()
        self.is_alone = False  # in a frame of its own
        self._sent_at: float | None = None  # since when the server may have it
        self._is_first = False
        self._timer: asyncio.TimerHandle | None = None
        self.answer.add_done_callback(lambda _: self._forget_age())

    @property
    def item(self) -> Frame:
        """The message in a frame."""
        return {"data": msgspec.Raw(self.json), "key": self.key}

    def may_be_sent(self) -> bool:
        """Return whether it still waits. One that was sent too long ago would be published twice if
        the server has forgotten its key: that one fails here."""
        if self._sent_at is not None and elapsed() - self._sent_at >= MAX_AGE:
            self._expire()
        return not self.answer.done()

    def on_sent(self) -> None:
        """Note that the server may have it from now on."""
        self._is_first = self._sent_at is None
        if self._is_first:
            self._sent_at = elapsed()
            self._timer = asyncio.get_running_loop().call_later(MAX_AGE, self._expire)

    def settle(self, answer: Frame) -> bool:
        """Take the server's answer; return False if it has to be sent again."""
        code = answer.get("code")
        if code in RETRYABLE:
            if code == "rate_limited" and self._is_first:
                self._forget_age()  # the server has done nothing, this time and never before
            return False
        if code is not None:
            self.fail(SendFailed(code, answer.get("detail", "")))
        elif not self.answer.done():
            self.answer.set_result(_position(answer))
        return True

    def fail(self, error: BaseException) -> None:
        """Answer it with an exception."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def _expire(self) -> None:
        detail = "no answer within 4 minutes: the server may have published it or not"
        self.fail(SendFailed("unknown", detail))

    def _forget_age(self) -> None:
        self._sent_at = None
        if self._timer:
            self._timer.cancel()


class RoomOutbox(LineRequest):
    """The queue of one room, which goes through the line as one request at a time."""

    def __init__(self, room: str, line: RequestLine) -> None:
        self._room = room
        self._line = line
        self._waiting: list[UnsentMessage] = []
        self._on_the_way: list[UnsentMessage] = []
        self._in_line = False
        self._open = False

    def __len__(self) -> int:
        return len(self._waiting) + len(self._on_the_way)

    def add(self, message: UnsentMessage) -> None:
        """Queue a message."""
        self._waiting.append(message)
        self._wake()

    def open(self) -> None:
        """The client is in the room: send."""
        self._open = True
        self._wake()

    def lose(self) -> None:
        """The connection has ended. Messages under way are sent again, first of all."""
        self._waiting = [*self._on_the_way, *self._waiting]
        self._on_the_way = []
        self._open = self._in_line = False

    def fail(self, error: BaseException) -> None:
        """Answer all messages with an exception; the server may yet answer those under way."""
        for message in (*self._on_the_way, *self._waiting):
            message.fail(error)
        self._waiting = []
        self._open = False

    def frame(self) -> Frame | None:
        """Return the next messages that go together."""
        self._waiting = [message for message in self._waiting if message.may_be_sent()]
        self._in_line = bool(self._waiting) and self._open
        if not self._in_line:
            return None
        count = _count(self._waiting, min(MAX_BYTES, self._line.max_size))
        self._on_the_way, self._waiting = self._waiting[:count], self._waiting[count:]
        for message in self._on_the_way:
            message.on_sent()
        items = [message.item for message in self._on_the_way]
        return {"type": "messages", "room": self._room, "items": items}

    def settle(self, answer: Frame) -> bool:
        """Take the answers of the messages under way: one for each, or one error for all. Any other
        number of answers belongs to no message for sure: they are sent again, with their keys."""
        sent, self._on_the_way = self._on_the_way, []
        if len(sent) > 1 and answer.get("code", "").startswith("invalid_"):
            return self._send_alone(sent)
        answers = answer["items"] if answer["type"] == "acks" else [answer] * len(sent)
        if len(answers) != len(sent):
            logger.error("protocol error in %s: %s", self._room, _miscount(sent, answers))
            answers = [{"code": "unavailable"}] * len(sent)
        pairs = zip(sent, answers, strict=True)
        again = [message for message, answer in pairs if not message.settle(answer)]
        self._waiting = [*again, *self._waiting]
        if not again:
            self._in_line = False
            self._wake()
        return not again

    def _send_alone(self, sent: list[UnsentMessage]) -> bool:
        """Send messages again, each in a frame of its own: as a whole they were too large, or the
        server could not read one of them."""
        for message in sent:
            message.is_alone = True
        self._waiting = [*sent, *self._waiting]
        self._in_line = False
        self._wake()
        return True

    def _wake(self) -> None:
        if self._waiting and self._open and not self._in_line:
            self._in_line = True
            self._line.submit(self)


def _count(messages: list[UnsentMessage], max_bytes: int) -> int:
    """Return how many of them, at least one, fit into a frame."""
    size = FRAME_BYTES
    for count, message in enumerate(messages[:MAX_ITEMS]):
        size += len(message.json) + ITEM_BYTES
        if count and (size > max_bytes or message.is_alone or messages[0].is_alone):
            return count
    return min(len(messages), MAX_ITEMS)


def _miscount(sent: list[UnsentMessage], answers: list[Frame]) -> str:
    return f"expected acks with {len(sent)} items, not {len(answers)}; the messages are sent again"


def _position(answer: Frame) -> Position | None:
    if "offset" not in answer:
        return None
    return Position(answer["epoch"], answer["offset"])
