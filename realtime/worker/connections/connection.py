"""One connection: decodes and limits incoming frames, sends messages, closes."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from realtime.protocol import messages
from realtime.protocol.bucket import TokenBucket
from realtime.protocol.codes import CloseCode, ErrorCode, reason_for
from realtime.protocol.decoding import BadFrame, TooMuchData, decode, size_of
from realtime.protocol.frames import EncodedMessage, encode_message
from realtime.protocol.messages import BINARY, ClientMessage, ServerMessage

from .transports import DirectTransport, FrameWriter, QueuedTransport, Send

MAX_MALFORMED = 10
MAX_UNSENT = 1024 * 1024
MAX_CLOSE_REASON = 123  # bytes beside the code in a control frame (RFC 6455, 5.5)
CLOSE_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """Limits of one connection: bytes of a frame and of a publication's data; frames and bytes,
    both per second and in a burst."""

    max_message_size: int
    rate: float
    burst: float
    max_publication: int = 65_536
    byte_rate: float = 2.0**20
    byte_burst: float = 2.0**24


class Connection:
    """Decodes and sends on one transport; never waits for it.

    Messages are written directly if the server has ``frames``, otherwise queued. With more than
    MAX_UNSENT bytes unsent the connection ends with 4003. ``drop()`` is called CLOSE_TIMEOUT
    after the end, in case the transport does not notice it, and must stop the task that reads
    from the transport. ``frames_out`` counts sent messages without publications, which
    :class:`.RoomReader` counts. ``resume_refused`` says that the end answers a ``hello`` about a
    session that existed; such an end is not counted as a refusal.
    """

    __slots__ = (
        "_any_code",
        "_bucket",
        "_bytes",
        "_closing",
        "_drop",
        "_frames",
        "_limits",
        "_loop",
        "_rejected",
        "_started_at",
        "_transport",
        "ended",
        "frames_in",
        "frames_out",
        "resume_refused",
    )

    def __init__(
        self,
        send: Send,
        limits: FrameLimits,
        *,
        drop: Callable[[], object],
        any_code: bool = False,
        frames: FrameWriter | None = None,
    ) -> None:
        self._limits = limits
        self._drop = drop
        self._any_code = any_code
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._bucket = TokenBucket(limits.rate, limits.burst, now)
        self._bytes = TokenBucket(limits.byte_rate, limits.byte_burst, now)
        self._transport = (
            DirectTransport(frames, send, self._fail)
            if frames
            else QueuedTransport(send, self._fail)
        )
        self._frames = frames
        self._closing: asyncio.TimerHandle | None = None
        self._rejected = 0
        self._started_at = self._loop.time()
        self.frames_in = 0
        self.frames_out = 0
        self.ended: tuple[int, str] | None = None
        self.resume_refused = False

    # ------------------------------------------------------------ incoming

    def read(self, text: str) -> ClientMessage | None:
        """The message in a text frame, or None after answering it with an error."""
        limits = self._limits
        if not self.admit_frame(size_of(text)):
            return None
        try:
            return decode(text, max_size=limits.max_message_size, max_data=limits.max_publication)
        except TooMuchData as bad:
            self.send(messages.Error(bad.code.value, bad.detail, bad.id, bad.room))
        except BadFrame as bad:
            self.reject_frame(bad.code, bad.detail, id=bad.id)
        return None

    def admit_frame(self, size: int) -> bool:
        """Count a frame of ``size`` bytes against the rates. Beyond one of them, returns False
        and ends the connection with 4004."""
        if self.ended:
            return False
        self.frames_in += 1
        now = self._loop.time()
        if self._bucket.take(now) and self._bytes.take(now, tokens=size):
            return True
        self.end(CloseCode.RATE_LIMIT)
        return False

    def excuse_frame(self) -> None:
        """Do not count the last frame against the frame rate; its bytes still count."""
        self._bucket.refund()

    def check_size(self, data: bytes) -> bool:
        """Return whether a binary frame is within the size limit; answer with an error if not."""
        if len(data) <= self._limits.max_message_size:
            return True
        detail = f"expected a frame of at most {self._limits.max_message_size} bytes"
        self.reject_frame(ErrorCode.INVALID_MESSAGE, detail, id=BINARY)
        return False

    def reject_frame(self, code: ErrorCode, detail: str, *, id: int | None = None) -> None:
        """Answer an invalid frame, a binary one with id BINARY. After MAX_MALFORMED of them the
        connection ends with 4505."""
        self._rejected += 1
        self.send(messages.Error(code=code.value, detail=detail, id=id))
        if self._rejected >= MAX_MALFORMED:
            self.end(CloseCode.PROTOCOL_ERRORS)

    # ------------------------------------------------------------ outgoing

    @property
    def is_gone(self) -> bool:
        """Whether the transport has ended, as far as known; only our servers say so."""
        return self._frames is not None and not self._frames.open

    @property
    def has_capacity(self) -> bool:
        """Whether at most half of MAX_UNSENT is unsent: a frame of a few hundred KiB fits."""
        return self._transport.unsent <= MAX_UNSENT // 2

    @property
    def age_ms(self) -> int:
        """Milliseconds since the connection was made."""
        return round((self._loop.time() - self._started_at) * 1000)

    def send(self, message: ServerMessage) -> None:
        """Send a message; does nothing after the end."""
        self.send_encoded(encode_message(messages.encode(message)))

    def send_bytes(self, data: bytes) -> None:
        """Send a binary frame of the application's."""
        self.send_encoded(encode_message(data))

    def send_encoded(self, message: EncodedMessage) -> None:
        """Send an encoded message; does nothing after the end."""
        if self._put(message):
            self.frames_out += 1

    def deliver(self, message: EncodedMessage) -> None:
        """Send a publication to this connection alone; see :func:`deliver_to_all`."""
        self._put(message)

    def _put(self, message: EncodedMessage) -> bool:
        if self.ended:
            return False
        if self._transport.unsent + len(message.payload) > MAX_UNSENT:
            self._overflow()
            return False
        self._transport.put(message)
        return True

    def end(self, code: int, reason: str = "", *, delay_ms: tuple[int, int] | None = None) -> None:
        """Send ``goodbye`` and close, after what was sent before; does nothing the second time.

        Nothing is sent with 1006, which servers refuse: they close the transport themselves.
        """
        if self.ended:
            return
        reason = reason or reason_for(code)
        if code == CloseCode.LOST:
            self.ended = (CloseCode.LOST.value, reason)
            return
        self.send(messages.goodbye(code, reason, delay_ms))
        self._close(int(code), reason)

    def shutdown_code(self) -> CloseCode:
        """Return 1001 if the server can send it, else 4001."""
        return CloseCode.GOING_AWAY if self._any_code else CloseCode.SERVER_SHUTDOWN

    async def flush(self) -> None:
        """Wait until the server has taken everything, or the transport has failed."""
        await self._transport.flush()

    def release(self) -> None:
        """Cancel ``drop`` and drop references to the owner: it no longer reads from here. Without
        reference cycles both are freed as soon as their last user is."""
        self._drop = lambda: None
        self._transport.release()
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _overflow(self) -> None:
        # The peer does not read: a goodbye would only wait behind the rest.
        self._transport.clear()
        self._close(CloseCode.SLOW_CONSUMER.value, CloseCode.SLOW_CONSUMER.reason)

    def _close(self, code: int, reason: str) -> None:
        if self.ended:  # the goodbye exceeded MAX_UNSENT
            return
        self.ended = (code, reason)
        # A longer one would be a protocol error; goodbye has it in full.
        short = reason.encode()[:MAX_CLOSE_REASON].decode(errors="ignore")
        self._transport.close(code, short)
        self._closing = self._loop.call_later(CLOSE_TIMEOUT, self._drop)

    def _fail(self) -> None:
        """Drop the connection: the server refused an event, nothing more can be sent."""
        self.ended = self.ended or (CloseCode.LOST.value, CloseCode.LOST.reason)
        self._drop()


def deliver_to_all(connections: Iterable[Connection], message: EncodedMessage) -> None:
    """Send a publication to all of these connections, as ``deliver`` does for one. Those with
    nothing unsent are written to in one call, which skips the check of what is unsent: that halves
    the time for a thousand."""
    live = [each for each in connections if not each.ended]
    frames = live[0]._frames if live else None  # of one server, so all have them or none has
    behind: Iterable[int] = range(len(live))
    if frames is not None and len(message.frame) <= MAX_UNSENT:
        behind = frames.write_to_all([each._frames for each in live], message.frame)
    for index in behind:
        live[index].deliver(message)
